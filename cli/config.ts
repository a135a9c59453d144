/** `scorestream.yaml`: every key with its default, meaning and range; environment variables `SCORESTREAM_*` override it. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import Type, { type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { parseDocument } from 'yaml'
import { MonitoringSettings } from '#monitoring/settings.ts'
import { nearest } from '#schemas/nearest.ts'
import { ClickHouseServerSettings } from '#streams/clickhouse/server-settings.ts'
import { KafkaSettingsSchema } from '#streams/kafka/settings.ts'
import { RedisSettings } from '#streams/redis/settings.ts'
import { CommandError, EXIT } from './exit.ts'
import { ParitySettings } from './parity/settings.ts'
import { RetrainSettings } from './retrain/settings.ts'
import { TracingSettings } from './tracing-settings.ts'

const ConfigSchema = Type.Object(
  {
    dataDir: Type.String({ default: '.scorestream', minLength: 1, description: 'Directory that holds logs, state, warehouse and vault' }),
    log: Type.Object(
      {
        kind: Type.Enum(['embedded', 'kafka'], {
          default: 'embedded',
          description: 'Where the event logs live: in the data directory, or on Kafka, shared by any number of engine processes',
        }),
        partitions: Type.Integer({
          default: 12,
          minimum: 1,
          maximum: 1024,
          description: 'Partitions of each topic; fixed when the data directory or the topics are made',
        }),
        kafka: KafkaSettingsSchema,
      },
      { default: {}, additionalProperties: false },
    ),
    state: Type.Object(
      {
        kind: Type.Enum(['embedded', 'redis'], {
          default: 'embedded',
          description: 'Where applicants’ states live: in the data directory, or in Redis, from where any engine process takes over',
        }),
        cacheMebibytes: Type.Integer({ default: 32, minimum: 1, maximum: 65_536, description: 'States kept in memory, MiB' }),
        checkpointsDir: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'Directory of checkpoints of a Redis state, shared by all engine processes; absent: in the data directory',
          }),
        ),
        checkpointMinutes: Type.Integer({
          default: 5,
          minimum: 1,
          maximum: 1440,
          description:
            'Minutes between two checkpoints of a partition in Redis; what came since the last one is folded again after a loss. The input topic must be kept 36 times as long and a day',
        }),
        redis: RedisSettings,
      },
      { default: {}, additionalProperties: false },
    ),
    warehouse: Type.Object(
      {
        kind: Type.Enum(['embedded', 'server', 'off'], {
          default: 'embedded',
          description:
            'Where decisions are kept for SQL: in the data directory, on a ClickHouse server, or nowhere. One process that writes suffices',
        }),
        server: ClickHouseServerSettings,
      },
      { default: {}, additionalProperties: false },
    ),
    gateway: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1', description: 'Address listened on; anything but loopback needs tokens' }),
        port: Type.Integer({ default: 8080, minimum: 0, maximum: 65_535, description: 'HTTP and WebSocket port; 0 takes a free one' }),
        sqlPort: Type.Integer({ default: 8123, minimum: 0, maximum: 65_535, description: 'ClickHouse HTTP port; 0 takes a free one' }),
        allowedHosts: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description: 'Names under which clients address this engine, beyond loopback, IP addresses and gateway.host',
        }),
        tokensFile: Type.Optional(
          Type.String({ description: 'File (mode 600) with one `name role token` a line; roles reader, producer, operator' }),
        ),
      },
      { default: {}, additionalProperties: false },
    ),
    models: Type.Object(
      {
        dir: Type.String({ default: 'models', description: 'Directory of model bundles' }),
        champion: Type.String({
          default: 'credit@champion',
          pattern: '^[a-z0-9-]+@[A-Za-z0-9._+-]+$',
          description: 'Bundle that decides, name@alias or name@version',
        }),
      },
      { default: {}, additionalProperties: false },
    ),
    promotion: Type.Enum(['manual', 'gated'], {
      default: 'manual',
      description: 'Whether a successor that passed every gate waits for a person (scorestream models promote) or takes over by itself',
    }),
    retrain: RetrainSettings,
    policy: Type.Object(
      { file: Type.String({ default: 'models/policy.yaml', description: 'Policy that turns scores into decisions' }) },
      { default: {}, additionalProperties: false },
    ),
    durability: Type.Enum(['process-kill', 'power-loss'], {
      default: 'process-kill',
      description: 'What an acknowledged event survives: the death of the process, or of the machine (flush before acknowledging)',
    }),
    retention: Type.Object(
      {
        days: Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 36_500 })], {
          default: null,
          description: 'Days the logs are kept; null for ever. Nothing unread or needed by a checkpoint is removed',
        }),
      },
      { default: {}, additionalProperties: false },
    ),
    ingest: Type.Object(
      {
        futureSkewSeconds: Type.Integer({
          default: 300,
          minimum: 0,
          maximum: 86_400,
          description: 'How far an event time may lie ahead of the append time',
        }),
        pastYears: Type.Integer({
          default: 40,
          minimum: 1,
          maximum: 200,
          description: 'Oldest event time accepted, in years before the append time',
        }),
        dedupeDays: Type.Integer({ default: 7, minimum: 1, maximum: 90, description: 'How long a repeated event is recognised' }),
      },
      { default: {}, additionalProperties: false },
    ),
    reconciler: Type.Enum(['on', 'off'], {
      default: 'on',
      description:
        'Whether both logs are read again to count lost and conflicting decisions; in the warehouse process, or here without one',
    }),
    tracing: TracingSettings,
    monitoring: MonitoringSettings,
    parity: ParitySettings,
    explain: Type.Enum(['interventional', 'path-dependent'], {
      default: 'interventional',
      description: 'Which Shapley values explain a decision',
    }),
    deadlineMs: Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 60_000 })], {
      default: null,
      description: 'Age of a waiting application at which the engine degrades in the declared order; null never degrades',
    }),
  },
  { default: {}, additionalProperties: false },
)

export type Config = Static<typeof ConfigSchema>

/** Short names promised to scripts, besides the long form of every key. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  SCORESTREAM_HOST: 'gateway.host',
  SCORESTREAM_PORT: 'gateway.port',
  SCORESTREAM_SQL_PORT: 'gateway.sqlPort',
  SCORESTREAM_DATA_DIR: 'dataDir',
  SCORESTREAM_MODELS_DIR: 'models.dir',
}
/** Read elsewhere, not configuration keys. */
const OTHER_NAMES = /^SCORESTREAM_(TEST_|BENCH_|LIGHTGBM_LIB$|XGBOOST_LIB$|SQL_(OPERATOR_)?(USER|PASSWORD)$)/

const propertiesOf = (schema: TSchema): Record<string, TSchema> | undefined =>
  'properties' in schema ? (schema.properties as Record<string, TSchema>) : undefined

/** Every leaf as `section.key`. */
export const configKeys = (schema: TSchema = ConfigSchema, prefix = ''): { key: string; schema: TSchema }[] =>
  Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, child]) =>
    propertiesOf(child) ? configKeys(child, `${prefix}${name}.`) : [{ key: `${prefix}${name}`, schema: child }],
  )

const environmentName = (key: string): string =>
  `SCORESTREAM_${key
    .replaceAll('.', '_')
    .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`

const put = (target: Record<string, unknown>, key: string, value: unknown): void => {
  const [head = '', ...rest] = key.split('.')
  if (rest.length === 0) target[head] = value
  else put((target[head] ??= {}) as Record<string, unknown>, rest.join('.'), value)
}

const WORDS: Readonly<Record<string, unknown>> = { null: null, true: true, false: false }

/** Text from the environment or the command line, as the schema wants it: a number where one stands for one. */
const asValue = (given: string): unknown =>
  Object.hasOwn(WORDS, given) ? WORDS[given] : /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given

const bad = (message: string): never => {
  throw new CommandError('bad-config', message, EXIT.config)
}

const readYaml = (file: string): Record<string, unknown> => {
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true, strict: true, uniqueKeys: true })
  const [error] = document.errors
  if (error) bad(`${file}: ${error.message}`)
  const value: unknown = document.toJS() ?? {}
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : bad(`${file}: the top level must be keys and values`)
}

const refuseUnknown = (value: Record<string, unknown>, schema: TSchema, where: string, prefix = ''): void => {
  const known = propertiesOf(schema) ?? {}
  for (const [name, child] of Object.entries(value)) {
    const childSchema = known[name]
    if (childSchema === undefined) {
      const hint = nearest(name, Object.keys(known))
      bad(
        `${where}: unknown key "${prefix}${name}"${hint ? `; did you mean "${prefix}${hint}"?` : `; known here: ${Object.keys(known).join(', ')}`}`,
      )
    } else if (propertiesOf(childSchema) && typeof child === 'object' && child !== null) {
      refuseUnknown(child as Record<string, unknown>, childSchema, where, `${prefix}${name}.`)
    }
  }
}

const applyEnvironment = (target: Record<string, unknown>, environment: NodeJS.ProcessEnv): void => {
  const lists = new Set(configKeys().flatMap(({ key, schema }) => ('items' in schema ? [key] : [])))
  const names = new Map([...configKeys().map(({ key }) => [environmentName(key), key] as const), ...Object.entries(SHORT_NAMES)])
  for (const [name, given] of Object.entries(environment)) {
    if (!name.startsWith('SCORESTREAM_') || OTHER_NAMES.test(name) || given === undefined) continue
    const key = names.get(name)
    if (key === undefined) {
      const hint = nearest(name, [...names.keys()])
      bad(`environment: unknown variable ${name}${hint ? `; did you mean ${hint}?` : ''}`)
    } else put(target, key, lists.has(key) ? given.split(',').map((one) => one.trim()) : asValue(given))
  }
}

const checked = (value: unknown, where: string): Config => {
  const full = Value.Default(ConfigSchema, value)
  if (Value.Check(ConfigSchema, full)) return full
  const lines = Value.Errors(ConfigSchema, full)
    .slice(0, 8)
    .map((error) => {
      const key = error.instancePath.slice(1).replaceAll('/', '.')
      const schema = configKeys().find((one) => one.key === key)?.schema
      const found: unknown = key
        .split('.')
        .reduce<unknown>((at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined), full)
      return `${key || 'the whole'} = ${JSON.stringify(found)}: ${error.message}${schema && 'description' in schema ? ` (${String(schema.description)})` : ''}`
    })
  return bad(`${where}:\n  ${[...new Set(lines)].join('\n  ')}`)
}

export interface ConfigSources {
  /** Named file; undefined takes `scorestream.yaml` where it exists. */
  readonly file?: string | undefined
  readonly environment: NodeJS.ProcessEnv
  /** From the command line; strongest. */
  readonly overrides?: Readonly<Record<string, unknown>>
}

/** Reads, overrides and checks. Relative paths are resolved against the working directory. Throws a CommandError naming key, value and remedy. */
export const loadConfig = ({ file, environment, overrides = {} }: ConfigSources): Config => {
  let fromFile: Record<string, unknown> = {}
  const path = file ?? 'scorestream.yaml'
  try {
    fromFile = readYaml(path)
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (!missing) throw cause
    if (file !== undefined) throw new CommandError('no-config', `there is no configuration file ${resolve(path)}`, EXIT.noInput, { cause })
  }
  refuseUnknown(fromFile, ConfigSchema, path)
  applyEnvironment(fromFile, environment)
  for (const [key, value] of Object.entries(overrides)) if (value !== undefined) put(fromFile, key, value)
  const config = checked(fromFile, 'configuration')
  if (config.state.kind === 'redis' && config.log.kind !== 'kafka')
    bad('state.kind = redis needs log.kind = kafka: an embedded log belongs to one process, and its states lie best beside it')
  return {
    ...config,
    dataDir: resolve(config.dataDir),
    models: { ...config.models, dir: resolve(config.models.dir) },
    policy: { file: resolve(config.policy.file) },
  }
}
