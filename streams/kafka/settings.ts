/** What an installation says of its Kafka: addresses, encryption, login, topics. The composition root puts it into its own configuration. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ConnectionOptions } from '@platformatic/kafka'
import Type, { type Static } from 'typebox'
import type { SchemaRegistryOptions } from '#schemas/registry-client.ts'
import { TerminalFailure } from '../failure.ts'

const optionalText = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

export const KafkaSettingsSchema = Type.Object(
  {
    brokers: Type.Array(Type.String({ pattern: '^[^:\\s]+:[0-9]{1,5}$' }), {
      default: ['127.0.0.1:9092'],
      minItems: 1,
      description: 'Brokers asked first, host:port; the others are learned from them',
    }),
    clientId: Type.String({
      default: 'scorestream',
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      description: 'Name in the broker’s logs, quotas and metrics',
    }),
    topicPrefix: Type.String({
      default: '',
      pattern: '^[A-Za-z0-9._-]{0,100}$',
      description: 'Put before each topic’s name, so that installations can share a cluster',
    }),
    createTopics: Type.Boolean({ default: true, description: 'Create topics that are missing; false leaves that to an administrator' }),
    replicas: Type.Integer({ default: 3, minimum: 1, maximum: 15, description: 'Copies of each topic that is created; 1 only for trials' }),
    minInsyncReplicas: Type.Integer({
      default: 2,
      minimum: 1,
      maximum: 15,
      description: 'Copies that must hold a record before it is acknowledged, of topics that are created',
    }),
    retentionDays: Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 36_500 })], {
      default: null,
      description: 'Days that topics which are created keep their records; null for ever. Must exceed the age of the oldest checkpoint',
    }),
    transactionalDecisions: Type.Boolean({
      default: false,
      description:
        'Publish decisions in transactions: repeats of the same bytes after a crash are then never seen by readers of committed records. Costs latency; no promise rests on it',
    }),
    group: Type.Object(
      {
        id: Type.String({
          default: 'scorestream',
          minLength: 1,
          maxLength: 200,
          description: 'Consumer group that shares out the input partitions',
        }),
        protocol: Type.Enum(['auto', 'consumer', 'classic'], {
          default: 'auto',
          description: 'How members agree: consumer (KIP-848, brokers from 4.0), classic, or auto for the newest that the brokers have',
        }),
        instanceId: optionalText(
          'Static membership: a name that outlives restarts, unique in the group; its partitions wait for it for the session timeout',
        ),
        sessionTimeoutMs: Type.Integer({
          default: 10_000,
          minimum: 500,
          maximum: 600_000,
          description: 'Silence after which a member is taken for dead; with the consumer protocol the brokers decide it',
        }),
        handOverTimeoutMs: Type.Integer({
          default: 60_000,
          minimum: 1_000,
          maximum: 3_600_000,
          description: 'Longest that a member may take to let go of partitions before it is taken for dead',
        }),
      },
      { default: {}, additionalProperties: false },
    ),
    tls: Type.Object(
      {
        enabled: Type.Boolean({ default: false, description: 'Encrypt connections' }),
        caFile: optionalText('PEM file of the authority that signed the brokers’ certificates; absent: those of the system'),
        certFile: optionalText('PEM file of this client’s certificate, where brokers ask for one'),
        keyFile: optionalText('PEM file of its private key'),
        serverName: optionalText('Name expected in the broker’s certificate, where it is not the host’s'),
      },
      { default: {}, additionalProperties: false },
    ),
    sasl: Type.Object(
      {
        mechanism: Type.Enum(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
          default: 'none',
          description: 'How this client logs in',
        }),
        username: optionalText('Name it logs in by'),
        passwordFile: optionalText('File that holds the password; a line break at its end is not part of it'),
        passwordVariable: optionalText('Environment variable that holds the password, where there is no file'),
      },
      { default: {}, additionalProperties: false },
    ),
    registry: Type.Object(
      {
        url: optionalText(
          'Schema registry with Confluent’s REST interface, up to where /subjects begins, e.g. http://registry:8081; decided when the topics are made. Absent: events are JSON, or Avro with the ids of this program’s own catalogue',
        ),
        username: optionalText('Name this client logs in by'),
        passwordFile: optionalText('File that holds the password; a line break at its end is not part of it'),
        passwordVariable: optionalText('Environment variable that holds the password, where there is no file'),
      },
      { default: {}, additionalProperties: false },
    ),
  },
  { default: {}, additionalProperties: false, description: 'Kafka brokers, from 3.5 on' },
)

export type KafkaSettings = Static<typeof KafkaSettingsSchema>

const unusable = (message: string, cause?: unknown): TerminalFailure => new TerminalFailure('settings', message, cause)

const fileOf = (path: string, setting: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw unusable(`kafka.${setting} names ${path}, which cannot be read: ${(cause as Error).message}`, cause)
  }
}

/** Read when it is needed, so that a changed secret is used from the next time on. */
const passwordOf = ({ passwordFile, passwordVariable }: KafkaSettings['sasl' | 'registry'], block: 'sasl' | 'registry'): string => {
  if (passwordFile !== undefined) return fileOf(passwordFile, `${block}.passwordFile`).replace(/\r?\n$/, '')
  const value = passwordVariable === undefined ? undefined : process.env[passwordVariable]
  if (value !== undefined && value !== '') return value
  throw unusable(
    passwordVariable === undefined
      ? `kafka.${block} has no password: name a file in ${block}.passwordFile, or an environment variable in ${block}.passwordVariable`
      : `kafka.${block}.passwordVariable names ${passwordVariable}, which is not set`,
  )
}

/** How each connection is opened. Throws, naming the setting, where a file or secret is missing. */
export const connectionOptions = ({ brokers, tls, sasl }: KafkaSettings): ConnectionOptions => {
  const options: ConnectionOptions = { connectTimeout: 5_000, requestTimeout: 30_000, maxInflights: 5 }
  if (tls.enabled)
    options.tls = {
      ...(tls.caFile === undefined ? {} : { ca: fileOf(tls.caFile, 'tls.caFile') }),
      ...(tls.certFile === undefined ? {} : { cert: fileOf(tls.certFile, 'tls.certFile') }),
      ...(tls.keyFile === undefined ? {} : { key: fileOf(tls.keyFile, 'tls.keyFile') }),
    }
  // Unless told to, the library names no host, and brokers behind a shared address could not tell which certificate to show. An address
  // is no name (RFC 6066).
  const byName = brokers.some((broker) => isIP(broker.replace(/:\d+$/, '')) === 0)
  if (tls.enabled && (tls.serverName !== undefined || byName)) options.tlsServerName = tls.serverName ?? true
  if (sasl.mechanism !== 'none') {
    if (sasl.username === undefined) throw unusable(`kafka.sasl.mechanism is ${sasl.mechanism}, but kafka.sasl.username is missing`)
    passwordOf(sasl, 'sasl')
    options.sasl = { mechanism: sasl.mechanism, username: sasl.username, password: () => passwordOf(sasl, 'sasl') }
  }
  return options
}

/** A partition whose records name a schema not seen before waits so long at most before it says so. */
const REGISTRY_TIMEOUT_MS = 5_000

/** How the schema registry is asked; undefined where there is none. Throws, naming the setting, where a secret is missing. */
export const registryOptions = ({ registry }: KafkaSettings): SchemaRegistryOptions | undefined => {
  const { url, username } = registry
  if (url === undefined) return undefined
  if (username === undefined) return { url, timeoutMs: REGISTRY_TIMEOUT_MS }
  passwordOf(registry, 'registry')
  return { url, username, password: () => passwordOf(registry, 'registry'), timeoutMs: REGISTRY_TIMEOUT_MS }
}
