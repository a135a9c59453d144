/** Runs one query under guard and limits: fresh connection, limits, read-only, classifier, syntax tree, then the query. */
import { randomUUID } from 'node:crypto'
import type { SqlEngine, SqlLane } from './ports.ts'
import { formatIn, guardClass, guardTree, type GuardRules } from './query-guard.ts'
import { literal, prepareStatement, type SqlLimits } from './query-settings.ts'
import { Slots } from './slots.ts'
import { SqlError } from './sql-error.ts'
import type { SqlRequest } from './sql-request.ts'

/** Formats whose blocks follow one another without anything around them: the rest must be held whole. */
const STREAMED = new Set([
  'TabSeparated',
  'TSV',
  'TabSeparatedRaw',
  'TSVRaw',
  'Raw',
  'CSV',
  'JSONEachRow',
  'JSONLines',
  'NDJSON',
  'JSONStringsEachRow',
  'JSONCompactEachRow',
  'JSONCompactStringsEachRow',
  'Native',
  'RowBinary',
  'LineAsString',
])
/** Rows after the result proper, which a stream of blocks would not bring. */
const HAS_TOTALS = /\btotals\b|\bextremes\b/i
/** A little beyond the engine's own limit, for the phases in which it does not look at the clock. */
const GRACE_MS = 2_000

export interface SqlAnswer {
  readonly format: string
  /** Read to the end, or returned early: either frees the connection. */
  readonly chunks: AsyncGenerator<{ readonly bytes: Buffer; readonly rows: number }, void, undefined>
}

export interface QueryRunnerOptions {
  readonly engine: SqlEngine
  readonly limits: SqlLimits
  readonly database: string
  readonly hidden: ReadonlySet<string>
}

const names = async (lane: SqlLane, table: string): Promise<Set<string>> =>
  new Set((await lane.query(`SELECT lower(name) FROM system.${table} FORMAT TSV`)).bytes.toString().split('\n').filter(Boolean))

export class QueryRunner {
  readonly #options: QueryRunnerOptions
  readonly #slots: Slots
  #rules: Promise<GuardRules> | undefined

  constructor(options: QueryRunnerOptions) {
    this.#options = options
    this.#slots = new Slots(options.limits.concurrencyMax)
  }

  get running(): number {
    return this.#slots.running
  }

  /** Resolves once the query is admitted and, where it is held whole, done. `signal` cancels it in the engine too. */
  async run(request: SqlRequest, signal: AbortSignal): Promise<SqlAnswer> {
    const giveBack = await this.#slots.take()
    const id = randomUUID()
    let lane: SqlLane | undefined
    const cancel = (): void => void this.#options.engine.cancel(id).catch(() => {})
    const timer = setTimeout(cancel, this.#options.limits.secondsMax * 1000 + GRACE_MS)
    signal.addEventListener('abort', cancel)
    const end = async (): Promise<void> => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
      await lane?.close()
      giveBack()
    }
    try {
      if (signal.aborted) throw new SqlError('QUERY_WAS_CANCELLED', 'the client went away')
      lane = this.#options.engine.connect()
      const { tree, format } = await this.#admit(lane, request, id)
      const sql = request.sql
      const streamed =
        tree.startsWith('SelectWithUnionQuery') && STREAMED.has(format) && !HAS_TOTALS.test(sql) && request.settings.get('extremes') !== '1'
      await lane.query(streamed ? 'SET readonly = 1' : `SET max_result_bytes = ${this.#options.limits.wholeBytesMax}, readonly = 1`)
      const chunks = streamed ? lane.stream(sql, format) : wholeResult(await lane.query(sql, format), this.#options.limits)
      return { format, chunks: closing(chunks, end) }
    } catch (error) {
      await end()
      throw error
    }
  }

  /** Limits, classifier and guard. Nothing of the query has run when this resolves; `readonly` follows once its format is known. */
  async #admit(lane: SqlLane, request: SqlRequest, id: string): Promise<{ tree: string; format: string }> {
    const { limits, database } = this.#options
    if (request.sql.trim() === '') throw new SqlError('SYNTAX_ERROR', 'the query is empty')
    if (request.database !== 'default' && request.database !== database)
      throw new SqlError('UNKNOWN_DATABASE', `Database ${request.database.slice(0, 64)} does not exist here; the tables are in ${database}`)
    const rules = await this.#guardRules()
    await lane.query(`USE ${database}`)
    await lane.query(prepareStatement(limits, request.settings, request.parameters, id))
    const found = await lane.classify(request.sql)
    // Of several statements the engine carries out those before the one it cannot parse, so such a text is never run, EXPLAIN or not.
    // `formatQuery` only parses it, and says where it is wrong.
    if (found.statementCount === 0) await lane.query(`SELECT formatQuery(${literal(request.sql)})`)
    guardClass(found)
    // A line of its own, so that a comment at the query's start stays one.
    const tree = (await lane.query(`EXPLAIN AST\n${request.sql}\n`, 'TSVRaw')).bytes.toString()
    guardTree(tree, request.sql, rules)
    const format = formatIn(tree, request.sql) ?? request.format
    if (!/^\w{1,64}$/.test(format)) throw new SqlError('BAD_ARGUMENTS', `${JSON.stringify(format.slice(0, 64))} is no format`)
    return { tree, format }
  }

  #guardRules(): Promise<GuardRules> {
    this.#rules ??= this.#readRules().catch((error: unknown) => {
      this.#rules = undefined
      throw error
    })
    return this.#rules
  }

  async #readRules(): Promise<GuardRules> {
    const lane = this.#options.engine.connect()
    try {
      return {
        database: this.#options.database,
        hidden: this.#options.hidden,
        tableFunctions: await names(lane, 'table_functions'),
        functions: await names(lane, 'functions'),
      }
    } finally {
      await lane.close()
    }
  }
}

async function* wholeResult(result: { readonly bytes: Buffer; readonly rows: number }, limits: SqlLimits): SqlAnswer['chunks'] {
  if (result.bytes.length > limits.wholeBytesMax)
    throw new SqlError(
      'TOO_MANY_ROWS_OR_BYTES',
      `the result takes ${result.bytes.length} bytes in this format, at most ${limits.wholeBytesMax} are held whole; ask for fewer rows, or for a format that streams (JSONEachRow, CSV, TabSeparated, Native)`,
    )
  yield result
}

/** Runs `end` when the iteration ends, however it ends. */
async function* closing(chunks: SqlAnswer['chunks'], end: () => Promise<void>): SqlAnswer['chunks'] {
  try {
    yield* chunks
  } finally {
    await end()
  }
}
