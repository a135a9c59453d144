/** A ClickHouse server over HTTP(S). Rows travel as the body of the request, never in the statement. */
import { readFileSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { ClickHouseLogLevel, createClient, type ClickHouseClient, type ClickHouseSettings } from '@clickhouse/client'
import type { RowWriter, SqlConnection } from './ports.ts'
import type { ServerSettings } from './server-settings.ts'
import { encodeRows, rowsIn, type TableRows } from './table-rows.ts'

/** Larger than any block, so that the server neither splits nor joins blocks: one insert is one part per shard, whole or absent. */
const ONE_PART: ClickHouseSettings = {
  max_insert_block_size: '100000000',
  min_insert_block_size_rows: '0',
  min_insert_block_size_bytes: '0',
  max_insert_threads: '1',
  async_insert: 0,
}

/** Refused settings: a file that is missing or that others may read. */
export class ServerSettingsRefused extends Error {
  readonly code = 'bad-config'
  constructor(message: string) {
    super(message)
    this.name = 'ServerSettingsRefused'
  }
}

const secret = (path: string, key: string): Buffer => {
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      throw new ServerSettingsRefused(`warehouse.server.${key}: ${path} holds a secret but others may read it: chmod 600 ${path}`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof ServerSettingsRefused) throw error
    throw new ServerSettingsRefused(`warehouse.server.${key}: ${path} cannot be read: ${error instanceof Error ? error.message : ''}`)
  }
}

const tlsOf = ({ caFile, certificateFile, keyFile }: ServerSettings) => {
  if (caFile === undefined) return {}
  const ca_cert = readFileSync(caFile)
  if (certificateFile === undefined || keyFile === undefined) return { tls: { ca_cert } }
  return { tls: { ca_cert, cert: readFileSync(certificateFile), key: secret(keyFile, 'keyFile') } }
}

const passwordOf = ({ passwordFile }: ServerSettings): string =>
  passwordFile === undefined ? '' : (secret(passwordFile, 'passwordFile').toString().split('\n')[0] ?? '')

/** Of a cluster: a row counts once a quorum of replicas has it, and whoever resumes sees every row that counted. */
const clusterSettings = ({ cluster, quorum }: ServerSettings): ClickHouseSettings =>
  cluster === null
    ? {}
    : {
        distributed_foreground_insert: 1,
        insert_quorum: String(quorum),
        insert_quorum_parallel: 0,
        select_sequential_consistency: '1',
        distributed_product_mode: 'global',
      }

/** Statements one after another, as its users are: one connection a sink. */
export class ServerConnection implements SqlConnection, RowWriter {
  readonly #client: ClickHouseClient
  readonly #database: string

  /** Nothing is sent yet. Throws {@link ServerSettingsRefused}. */
  constructor(settings: ServerSettings) {
    this.#database = settings.database
    this.#client = createClient({
      url: settings.url,
      username: settings.username,
      password: passwordOf(settings),
      request_timeout: settings.timeoutSeconds * 1000,
      max_open_connections: 1,
      application: 'scorestream',
      // What fails is thrown, and logged by whoever tries again.
      log: { level: ClickHouseLogLevel.OFF },
      clickhouse_settings: clusterSettings(settings),
      // A server that restarts closes idle sockets; half a second is well below any server's own limit.
      keep_alive: { enabled: true, idle_socket_ttl: 500 },
      ...tlsOf(settings),
    })
  }

  async query(sql: string): Promise<void> {
    await this.#client.command({ query: sql })
  }

  async rows<Row>(sql: string): Promise<Row[]> {
    const result = await this.#client.query({
      query: sql,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    })
    return result.json<Row>()
  }

  async insert(rows: TableRows, token: string): Promise<void> {
    if (rowsIn(rows) === 0) return
    await this.#send(rows.table, Object.keys(rows.columns), 'Native', encodeRows(rows), { ...ONE_PART, insert_deduplication_token: token })
  }

  async insertObjects(table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const [first] = rows
    if (first === undefined) return
    const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    await this.#send(table, Object.keys(first), 'JSONEachRow', [lines], ONE_PART)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #send(
    table: string,
    columns: readonly string[],
    format: string,
    body: readonly Buffer[],
    clickhouse_settings: ClickHouseSettings,
  ): Promise<void> {
    const names = columns.map((name) => `\`${name}\``).join(', ')
    const { stream } = await this.#client.exec({
      query: `INSERT INTO ${this.#database}.${table} (${names}) FORMAT ${format}`,
      values: Readable.from(body, { objectMode: false }),
      clickhouse_settings,
    })
    // The answer is empty; reading it to its end gives the connection back.
    for await (const _ of stream);
  }
}
