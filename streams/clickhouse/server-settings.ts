/** How a ClickHouse server, or a cluster of them, is reached: the block `warehouse.server` of the configuration. */
import Type, { type Static } from 'typebox'

/** Names that ClickHouse takes without quotes. */
const NAME = '^[A-Za-z_][A-Za-z0-9_]{0,63}$'
const file = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

export const ClickHouseServerSettings = Type.Object(
  {
    url: Type.String({
      default: 'http://127.0.0.1:8123',
      pattern: '^https?://[^/?#@]+/?$',
      description: 'HTTP(S) address of a server, or of the balancer before a cluster; user and password stand apart',
    }),
    database: Type.String({ default: 'scorestream', pattern: NAME, description: 'Database of the tables; made where it is missing' }),
    username: Type.String({ default: 'default', minLength: 1, description: 'User that writes; deploy/clickhouse/access.sql makes one' }),
    passwordFile: file('File (mode 600) whose first line is that user’s password'),
    cluster: Type.Union([Type.Null(), Type.String({ pattern: NAME })], {
      default: null,
      description: 'Cluster of remote_servers; tables are then replicated, and distributed by partition. Null for one server',
    }),
    quorum: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 0, maximum: 32 })], {
      default: 'auto',
      description: 'Replicas that must have a row before it counts as written (cluster only); auto is a majority',
    }),
    timeoutSeconds: Type.Integer({ default: 60, minimum: 1, maximum: 3_600, description: 'Longest wait for one statement' }),
    caFile: file('Certificate authority that signed the server’s certificate, PEM'),
    certificateFile: file('Client certificate, PEM, where the server asks for one'),
    keyFile: file('Key of the client certificate, PEM'),
  },
  { default: {}, additionalProperties: false },
)

export type ServerSettings = Static<typeof ClickHouseServerSettings>
