/** A secret has left no trace where none of these is found. */
const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret);
  // Within a longer text, base64 falls in one of three ways; what the neighbours make of its ends is left out.
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    ...encoded,
    ...encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
};

/**
 * The lines of a text in which a secret stands, be it as it is, percent-encoded, escaped, in hex or in base64.
 * @param secrets by what they are
 */
export const tracesOf = (secrets: Readonly<Record<string, string>>, text: string): readonly string[] =>
  text.split('\n').flatMap((line) =>
    Object.entries(secrets)
      .filter(([, secret]) => formsOf(secret).some((form) => line.includes(form)))
      .map(([what]) => `${what}: ${line}`),
  );
