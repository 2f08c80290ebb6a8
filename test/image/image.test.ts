import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { docker } from '../support/docker/docker.ts';
import { Container } from './container.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly license: string;
  readonly description: string;
  readonly dependencies: Readonly<Record<string, string>>;
};
const MAX_BYTES = 250_000_000;

interface ImageFacts {
  readonly Size: number;
  readonly Config: {
    readonly User: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Entrypoint: readonly string[];
    readonly Healthcheck: { readonly Test: readonly string[] };
    readonly Volumes: object;
  };
}

let facts: ImageFacts;
beforeAll(async () => {
  [facts] = JSON.parse(await docker(['image', 'inspect', inject('image')])) as [ImageFacts];
});

/** What Node prints that runs this in the image. */
const evaluate = async (program: string): Promise<string> => {
  const { status, stdout, stderr } = await Container.run(['--entrypoint', 'node'], ['--eval', program]);
  if (status !== 0) throw new Error(stderr);
  return stdout;
};

describe('the image', () => {
  test('is smaller than 250 MB', () => {
    expect(facts.Size).toBeGreaterThan(50_000_000);
    expect(facts.Size).toBeLessThan(MAX_BYTES);
  });

  test('says what it is, in the labels of the Open Container Initiative', () => {
    const label = (name: string): string | undefined => facts.Config.Labels[`org.opencontainers.image.${name}`];
    expect(label('title')).toBe('Keyferry');
    expect(label('version'), 'ARG VERSION of the Dockerfile').toBe(PACKAGE.version);
    expect(label('description')).toBe(PACKAGE.description);
    expect(label('licenses')).toBe(PACKAGE.license);
    expect(label('revision')).toBe(inject('revision'));
    expect(label('base.name')).toBe('docker.io/library/node:26-slim');
  });

  test('runs as a user that is named by number, so that Kubernetes sees that it is not root', () => {
    expect(facts.Config.User).toMatch(/^[1-9]\d*(:\d+)?$/);
  });

  test('starts programs itself, without a shell', () => {
    expect(facts.Config.Entrypoint).toEqual(['node', '/app/dist/main.js']);
    expect(facts.Config.Healthcheck.Test[0]).toBe('CMD');
  });

  test('holds no program but Node, and none that gives its user more rights', async () => {
    const programs = JSON.parse(
      await evaluate(`
        const { readdirSync, statSync } = require('node:fs');
        const found = [];
        for (const top of readdirSync('/').filter((name) => !['app', 'dev', 'etc', 'proc', 'sys', '.dockerenv'].includes(name))) {
          for (const entry of readdirSync('/' + top, { recursive: true })) {
            const path = '/' + top + '/' + entry;
            const stats = statSync(path);
            if (!stats.isFile()) continue;
            if (stats.mode & 0o6000) found.push('setuid ' + path);
            else if (stats.mode & 0o111 && !path.includes('.so')) found.push(path);
          }
        }
        console.log(JSON.stringify(found));`),
    ) as string[];
    expect(programs).toEqual(['/usr/local/bin/node']);
  });

  test('tells by an SBOM each package that it holds, and no other', async () => {
    const sbom = JSON.parse(
      await evaluate(`console.log(require('node:fs').readFileSync('/app/sbom.cdx.json', 'utf8'))`),
    ) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly name: string; readonly version: string }[];
    };
    expect(sbom.bomFormat).toBe('CycloneDX');
    const listed = sbom.components.map(({ name, version }) => `${name}@${version}`);
    expect(listed).toEqual(
      expect.arrayContaining(Object.entries(PACKAGE.dependencies).map(([name, version]) => `${name}@${version}`)),
    );
    const held = JSON.parse(
      await evaluate(`
        const { globSync, readFileSync } = require('node:fs');
        const packages = globSync(['/app/node_modules/**/node_modules/{*,@*/*}/package.json', '/app/node_modules/{*,@*/*}/package.json']);
        const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
        console.log(JSON.stringify(packages.map(read).filter(({ name, version }) => name && version).map(({ name, version }) => name + '@' + version)));`),
    ) as string[];
    expect(held.length).toBeGreaterThan(50);
    expect([...new Set(held)].sort()).toEqual([...new Set(listed)].sort());
  });

  test('names the Debian packages that its libraries come from, for scanners, with their licences', async () => {
    const packages = JSON.parse(
      await evaluate(`console.log(JSON.stringify(require('node:fs').readdirSync('/var/lib/dpkg/status.d')))`),
    ) as string[];
    expect(packages).toEqual(expect.arrayContaining(['libc6', 'libstdc++6']));
    const licences = await evaluate(`console.log(JSON.stringify(require('node:fs').readdirSync('/usr/share/doc')))`);
    expect((JSON.parse(licences) as string[]).sort()).toEqual(packages.sort());
  });

  test('tells its version and its help', async () => {
    expect((await Container.run([], ['--version'])).stdout).toBe(PACKAGE.version);
    expect((await Container.run([], ['--help'])).stdout).toContain('Usage: keyferry');
  });
});
