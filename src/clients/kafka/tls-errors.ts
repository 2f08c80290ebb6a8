const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the broker's certificate has expired: renew it",
  CERT_NOT_YET_VALID: "the broker's certificate is not valid yet: compare the clocks",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the broker's certificate is for another host name: connect by a name that it has, or set kafka.tls.serverName",
  ERR_SSL_WRONG_VERSION_NUMBER:
    'the broker does not speak TLS on this port: name its TLS port, or switch kafka.tls off',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'the broker does not speak TLS on this port: name its TLS port, or switch kafka.tls off',
};

/** The certificate's chain ends at nobody we know. */
const UNKNOWN_CA = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER|VERIFY)\w*)$/;
/** The other side ended the handshake, and says what it holds against our certificate, or against there being none. */
const CLIENT_CERTIFICATE =
  /_ALERT_((BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)$/;
const TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_)/;

/** Whether a Node code tells of certificates or of TLS as such: a matter of configuration, which waiting does not mend. */
export const isTlsError = (code: string): boolean => TLS.test(code);

/** What is wrong, and what to do; undefined where the library's words must do. */
export const explainTls = ({ code }: Error & { readonly code?: unknown }): string | undefined => {
  if (typeof code !== 'string' || !isTlsError(code)) return undefined;
  if (WORDS[code] !== undefined) return `${WORDS[code]} (${code})`;
  if (UNKNOWN_CA.test(code)) {
    return `the broker's certificate is signed by a CA that is not known here: give it as kafka.tls.caFile (${code})`;
  }
  if (CLIENT_CERTIFICATE.test(code)) {
    return `the broker refuses our client certificate, or misses one: check kafka.tls.certFile, its signer and dates (${code})`;
  }
  return undefined;
};
