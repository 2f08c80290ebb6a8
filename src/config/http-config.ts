import type { HttpConfig, HttpTlsConfig } from './app-config.ts';
import type { MAIN } from './schema.ts';
import { type Surroundings, readSecret } from './secret.ts';
import type { ValuesOf } from './setting.ts';
import { checkTlsFiles } from './tls-files.ts';

type HttpValues = ValuesOf<typeof MAIN.http>;

/** What is wrong with it, files included, is among the document's problems. */
export const httpConfig = (
  { tokenFile, readOnlyTokenFile, ...values }: HttpValues,
  from: Surroundings,
): HttpConfig => ({
  ...values,
  token: readSecret('token', { token: values.token, tokenFile }, ['http'], from),
  readOnlyToken: readSecret(
    'readOnlyToken',
    { readOnlyToken: values.readOnlyToken, readOnlyTokenFile },
    ['http'],
    from,
  ),
  tls: tlsConfig(values.tls, from),
});

const TLS = ['http', 'tls'];

const tlsConfig = (values: HttpValues['tls'], from: Surroundings): HttpTlsConfig | undefined => {
  const { enabled, ...files } = values;
  if (!enabled) {
    for (const [key, value] of Object.entries(files)) {
      if (value !== undefined)
        from.document.add([...TLS, key], 'has no effect while http.tls.enabled is false: set that to true');
    }
    return undefined;
  }
  checkTlsFiles({ ...files }, TLS, from);
  const { certFile, keyFile } = files;
  if (certFile !== undefined && keyFile !== undefined) return { ...values, certFile, keyFile };
  if (certFile === undefined && keyFile === undefined)
    from.document.add([...TLS, 'certFile'], 'is missing, and so is http.tls.keyFile: a server needs both');
  return undefined;
};
