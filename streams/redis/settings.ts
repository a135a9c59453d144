/** How to reach Redis: the connection block of the configuration. */
import Type, { type Static } from 'typebox'

export const RedisSettings = Type.Object(
  {
    mode: Type.Enum(['single', 'sentinel', 'cluster'], {
      default: 'single',
      description: 'One server, a master found through Sentinels, or Redis Cluster',
    }),
    addresses: Type.String({
      default: '127.0.0.1:6379',
      minLength: 1,
      description: 'host:port of the server, of the Sentinels or of some cluster nodes, separated by commas',
    }),
    sentinelMaster: Type.String({ default: 'mymaster', minLength: 1, description: 'Name under which the Sentinels know the master' }),
    username: Type.Optional(Type.String({ minLength: 1, description: 'ACL user; without it the default user' })),
    password: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Password; better given as passwordFile or through the environment than in a file of settings',
      }),
    ),
    passwordFile: Type.Optional(Type.String({ minLength: 1, description: 'File (mode 600) that holds the password alone' })),
    database: Type.Integer({ default: 0, minimum: 0, maximum: 1_000_000, description: 'Database number; a cluster has only 0' }),
    prefix: Type.String({
      default: 'scorestream',
      pattern: '^[A-Za-z0-9._:-]{1,64}$',
      description: 'First part of every key, so that deployments can share a server',
    }),
    tls: Type.Boolean({ default: false, description: 'Whether the connection is encrypted and the server’s certificate checked' }),
    tlsCaFile: Type.Optional(Type.String({ minLength: 1, description: 'Certificates trusted, PEM; without it the system’s' })),
    tlsCertFile: Type.Optional(Type.String({ minLength: 1, description: 'Client certificate, PEM' })),
    tlsKeyFile: Type.Optional(Type.String({ minLength: 1, description: 'Key of the client certificate, PEM' })),
    timeoutMs: Type.Integer({
      default: 5000,
      minimum: 100,
      maximum: 60_000,
      description: 'Silence after which a connection counts as dead, and longest wait for the first one',
    }),
  },
  { default: {}, additionalProperties: false },
)

export type RedisSettings = Static<typeof RedisSettings>

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** Throws a RangeError naming the address that cannot be read. IPv6 addresses stand in brackets. */
export const parseAddresses = (addresses: string): readonly RedisAddress[] =>
  addresses.split(',').map((given) => {
    const text = given.trim()
    const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? []
    const host = bracketed ?? plain
    if (host === undefined || port === undefined || Number(port) > 65_535)
      throw new RangeError(`"${text}" is no address of a Redis server: write host:port, several separated by commas`)
    return { host, port: Number(port) }
  })
