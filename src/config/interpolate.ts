/** The environment as a process gets it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$\{|\$\{(?<name>[A-Za-z_]\w*)(?::-(?<fallback>[^}]*))?\}|\$\{/g;

/**
 * Fills `${VAR}` and `${VAR:-default}`, as a shell does: the default stands in for an unset or empty variable.
 * `$${` gives `${`.
 * @throws Error that names the variable where it is unset and has no default.
 */
export const interpolate = (template: string, environment: Environment): string =>
  template.replace(REFERENCE, (whole, ...rest: unknown[]) => {
    if (whole === '$${') return '${';
    const { name, fallback } = rest.at(-1) as { name: string | undefined; fallback: string | undefined };
    if (name === undefined) {
      throw new Error(
        'has a "${" that begins no ${VAR} or ${VAR:-default}: mend it, or write "$${" for the characters',
      );
    }
    const value = environment[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined)
      throw new Error(`needs the environment variable ${name}: set it, or write \${${name}:-default}`);
    return value;
  });
