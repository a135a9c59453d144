/** Runs one query under guard and limits: fresh connection, limits, read-only, classifier, syntax tree, then the query. */
import { randomUUID } from 'node:crypto'
import type { SqlEngine, SqlLane } from './ports.ts'
import { formatIn, guardClass, guardTree, type GuardRules } from './query-guard.ts'
import { literal, prepareStatement, type SqlLimits } from './query-settings.ts'
import { QueryHangs, unlessItHangs } from './query-hangs.ts'
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
const CANCEL_AGAIN_MS = 200

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

/** Whether the result may be sent block by block. */
const streams = (tree: string, format: string, { sql, settings }: SqlRequest): boolean =>
  tree.startsWith('SelectWithUnionQuery') && STREAMED.has(format) && !HAS_TOTALS.test(sql) && settings.get('extremes') !== '1'

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
    const endMs = this.#options.limits.secondsMax * 1000 + GRACE_MS
    const waitMsMax = endMs + this.#options.limits.hangMsMax
    const timer = setTimeout(cancel, endMs)
    // Again and again: the client may leave just before its query begins, when there is nothing to cancel yet.
    let again: NodeJS.Timeout | undefined
    const leave = (): void => {
      cancel()
      again = setInterval(cancel, CANCEL_AGAIN_MS)
    }
    signal.addEventListener('abort', leave)
    const end = async (): Promise<void> => {
      clearTimeout(timer)
      clearInterval(again)
      signal.removeEventListener('abort', leave)
      await lane?.close()
      giveBack()
    }
    let underWay: Promise<unknown> = Promise.resolve()
    const wait = <Value>(call: Promise<Value>): Promise<Value> => {
      underWay = call
      return unlessItHangs(call, waitMsMax)
    }
    try {
      if (signal.aborted) throw new SqlError('QUERY_WAS_CANCELLED', 'the client went away')
      const { limits, database } = this.#options
      const { tree, format } = await wait(this.#admit(request))
      const streamed = streams(tree, format, request)
      if (signal.aborted) throw new SqlError('QUERY_WAS_CANCELLED', 'the client went away')
      lane = this.#options.engine.connect()
      await wait(lane.query(`USE ${database}`))
      const bytes = streamed ? 0 : limits.wholeBytesMax
      await lane.query(`${prepareStatement(limits, request.settings, request.parameters, id)}, max_result_bytes = ${bytes}, readonly = 1`)
      const chunks = streamed ? lane.stream(request.sql, format) : wholeResult(await wait(lane.query(request.sql, format)), limits)
      return { format, chunks: closing(chunks, waitMsMax, end) }
    } catch (error) {
      // What hangs keeps its slot: the engine's thread is taken.
      if (error instanceof QueryHangs) void underWay.then(end, end)
      else await end()
      throw error
    }
  }

  /** Classifier and guard, on a read-only connection of their own. Nothing of the query has run when this resolves. */
  async #admit({ sql, database, settings, parameters, format: wanted }: SqlRequest): Promise<{ tree: string; format: string }> {
    if (sql.trim() === '') throw new SqlError('SYNTAX_ERROR', 'the query is empty')
    if (database !== 'default' && database !== this.#options.database)
      throw new SqlError(
        'UNKNOWN_DATABASE',
        `Database ${database.slice(0, 64)} does not exist here; the tables are in ${this.#options.database}`,
      )
    const rules = await this.#guardRules()
    const lane = this.#options.engine.connect()
    try {
      await lane.query(`${prepareStatement(this.#options.limits, settings, parameters, 'guard')}, readonly = 1`)
      const found = await lane.classify(sql)
      // Of several statements the engine carries out those before the one it cannot parse, so such a text is never run, EXPLAIN or not.
      // `formatQuery` only parses it, and says where it is wrong.
      if (found.statementCount === 0) await lane.query(`SELECT formatQuery(${literal(sql)}) FORMAT Null`)
      guardClass(found)
      const tree = (await lane.query(`EXPLAIN AST\n${sql}\n`, 'TSVRaw')).bytes.toString()
      guardTree(tree, sql, rules)
      const format = formatIn(tree, sql) ?? wanted
      if (!/^\w{1,64}$/.test(format)) throw new SqlError('BAD_ARGUMENTS', `${JSON.stringify(format.slice(0, 64))} is no format`)
      return { tree, format }
    } finally {
      await lane.close()
    }
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

/** Runs `end` when the iteration ends, however it ends. A reader may take its time; the engine has `waitMsMax` for each block. */
async function* closing(chunks: SqlAnswer['chunks'], waitMsMax: number, end: () => Promise<void>): SqlAnswer['chunks'] {
  let hangs = false
  try {
    for (;;) {
      const step = await unlessItHangs(chunks.next(), waitMsMax)
      if (step.done === true) return
      yield step.value
    }
  } catch (error) {
    hangs = error instanceof QueryHangs
    throw error
  } finally {
    const ended = chunks.return().then(end, end)
    if (!hangs) await ended
  }
}
