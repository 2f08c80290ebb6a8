/** The layout rules of the design, each an error. */
const only = (name, what, importers, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: importers },
  to: { path: what },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-alone',
      comment: 'core is vocabulary: no npm imports, nothing of ours',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { pathNot: '^src/core/' },
    },
    {
      name: 'codecs-import-only-core',
      severity: 'error',
      from: { path: '^src/codecs/' },
      to: { path: '^src/', pathNot: '^src/(core|codecs)/' },
    },
    {
      name: 'flows-are-strangers-1',
      severity: 'error',
      from: { path: '^src/redis-to-kafka/' },
      to: { path: '^src/kafka-to-redis/' },
    },
    {
      name: 'flows-are-strangers-2',
      severity: 'error',
      from: { path: '^src/kafka-to-redis/' },
      to: { path: '^src/redis-to-kafka/' },
    },
    only(
      'redis-library',
      'node_modules/ioredis',
      '^src/clients/redis/',
      'only clients/redis imports the Redis library',
    ),
    only(
      'kafka-library',
      'node_modules/(kafkajs|@platformatic/kafka)',
      '^src/clients/kafka/',
      'only clients/kafka imports a Kafka library',
    ),
    only('pino-and-metrics', 'node_modules/(pino|pino-pretty|prom-client)/', '^src/observability/', ''),
    only(
      'opentelemetry',
      'node_modules/@opentelemetry/',
      '^src/observability/tracing\\.ts$',
      'one file knows the tracing libraries',
    ),
    {
      name: 'tracing-is-loaded-late',
      comment: 'its libraries are loaded where tracing is switched on, and then only',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/observability/tracing\\.ts$', dynamic: false },
    },
    only('convict', 'node_modules/convict', '^src/config/', ''),
    only(
      'config',
      '^src/config/',
      '^src/(app|config)/|^src/(main|healthcheck)\\.ts$',
      'flows get plain options, not the config',
    ),
    only('app', '^src/app/', '^src/(app|cli)/|^src/main\\.ts$', 'nothing builds on the composition root'),
    only(
      'client',
      '^src/client/',
      '^src/client/',
      'the package entry for applications: nothing of the daemon needs it',
    ),
    {
      name: 'client-is-light',
      comment: 'an application that imports keyferry/client gets no part of the daemon that runs, logs or serves',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/(app|cli|config|dead-letters|kafka-to-redis|observability|rest|state-store)/|^src/main\\.ts$' },
    },
    { name: 'no-barrels', severity: 'error', from: {}, to: { path: '^src/.*/index\\.ts$' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
