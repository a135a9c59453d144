/**
 * Carries one topic into its tables, for ever: resume behind the table's own highest offset, read, build columns, insert as one part,
 * release what is in. Killed at any moment, it loses nothing and repeats at most rows whose identity makes that harmless.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { inputOf } from '../input.ts'
import type { EventLog } from '../ports.ts'
import type { Logger } from '../logger.ts'
import { TerminalFailure } from '../failure.ts'
import type { RowWriter, SqlConnection } from './ports.ts'
import type { RowSink } from './row-sinks.ts'
import { bytesIn, clearRows, monthOf, rowsIn } from './table-rows.ts'

const MEBI = 1024 * 1024
/** A block of at most this many rows or about this many bytes: large enough that a part costs little, small enough for the memory cap. */
const BATCH_ROWS_MAX = 16_000
const BATCH_BYTES_MAX = 4 * MEBI
/** Bytes read of one partition at a time: some 20 ms of decoding, after which SQL clients get their turn. */
const SLICE_BYTES = 256 * 1024
/** A first row waits at most this long for company: each insert is a part that must be merged later, on the cores the engine needs. */
const LINGER_MS = 500
/** After a pause a first row waits hardly at all: somebody may be looking. */
const LINGER_IDLE_MS = 25
const IDLE_MS = 1_000
/** A failed insert (memory, disk) is tried again this often, waiting twice as long each time; then the process ends and is restarted. */
const ATTEMPTS_MAX = 6
const RETRY_MS = 250
/** Where the warehouse is elsewhere, it may be away for hours: the wait between two tries grows no further than this. */
const AWAY_RETRY_MS_MAX = 5_000

export interface SinkStatus {
  readonly topic: string
  /** Rows inserted by this process, per table. */
  readonly rows: Readonly<Record<string, number>>
  /** Records not yet read, or read and not yet inserted. */
  readonly lag: number
  readonly rejected: number
  /** Since when (by `now`) and why the warehouse takes nothing; null while it does. */
  readonly away: { readonly since: number; readonly reason: string } | null
}

export interface SinkOptions {
  readonly log: EventLog
  readonly sink: RowSink
  readonly connection: SqlConnection
  readonly inserter: RowWriter
  readonly database: string
  readonly logger: Logger
  readonly now: () => number
  /**
   * What a warehouse that fails again and again means. `ends`: something is wrong in this process; {@link Sink.run} rejects and the process
   * is restarted. `waits`: a server is away; one block is held, the log keeps the rest, and all of it follows in order once it is back.
   */
  readonly patience?: 'ends' | 'waits'
}

export class Sink {
  readonly #options: SinkOptions
  readonly #inserted: Record<string, number> = {}
  /** Next offset to read, per partition. */
  #next: number[] = []
  /** Read up to here when the batch began. */
  #begun: number[] = []
  /** Behind the last record of which a row is under construction, and of which one is in the table: a restart resumes there. */
  #pending: number[] = []
  #held: number[] = []
  #month = 0
  #firstAt = 0
  #flushedAt = 0
  #wake: () => void = () => {}
  readonly #stop = new AbortController()
  #away: SinkStatus['away'] = null

  constructor(options: SinkOptions) {
    this.#options = options
  }

  status(): SinkStatus {
    const { log, sink } = this.#options
    const end = log.end(sink.topic)
    const lag = end.reduce(
      (sum, at, partition) => sum + Math.max(0, at - ((this.#rows() > 0 ? this.#begun : this.#next)[partition] ?? 0)),
      0,
    )
    return { topic: sink.topic, rows: this.#inserted, lag, rejected: sink.rejected, away: this.#away }
  }

  /** Sum over the partitions of the next offsets to read. */
  get readRecords(): number {
    return this.#next.reduce((sum, next) => sum + next, 0)
  }

  /** Ends {@link run} after what is under construction has been inserted; what an absent warehouse cannot take is read again later. */
  stop(): void {
    this.#stop.abort()
    this.#wake()
  }

  /** Resolves after {@link stop}; rejects where going on would lose rows. */
  async run(): Promise<void> {
    const { log, sink } = this.#options
    if (!(await this.#persistently('resuming', () => this.#resume()))) return
    const unsubscribe = log.onAppend(sink.topic, () => this.#wake())
    try {
      while (!this.#stop.signal.aborted) {
        const appended = new Promise<void>((resolve) => (this.#wake = resolve))
        const read = await this.#readOnce()
        const waited = this.#rows() === 0 ? 0 : this.#options.now() - this.#firstAt
        const linger = this.#linger()
        if (this.#rows() > 0 && waited >= linger) await this.#flush()
        else if (!read && !this.#stop.signal.aborted) await this.#rest(appended, this.#rows() > 0 ? linger - waited : undefined)
      }
      await this.#flush()
    } finally {
      unsubscribe()
    }
  }

  #linger(): number {
    return this.#firstAt - this.#flushedAt > IDLE_MS ? LINGER_IDLE_MS : LINGER_MS
  }

  async #rest(appended: Promise<void>, ms: number | undefined): Promise<void> {
    if (ms === undefined) return appended
    const cancel = new AbortController()
    await Promise.race([appended, delay(ms, undefined, { signal: cancel.signal }).catch(() => {})])
    cancel.abort()
  }

  async #resume(): Promise<void> {
    const { log, sink, connection, database, logger } = this.#options
    const held = await sink.resume(connection, database)
    const start = log.start(sink.topic)
    const end = log.end(sink.topic)
    this.#next = start.map((first, partition) => {
      const next = held.get(partition) ?? first
      if (next > (end[partition] ?? 0))
        throw new TerminalFailure(
          'log-shortened',
          `the warehouse has ${sink.topic}[${partition}] up to ${next}, the log ends at ${end[partition]}: they do not belong together, or the log lost its end. Delete the warehouse folder to rebuild it from the log, or restore the log.`,
        )
      if (next < first)
        logger.warn({ topic: sink.topic, partition, missing: first - next }, 'retention removed records that the warehouse had not read')
      return Math.max(first, next)
    })
    this.#begun = [...this.#next]
    this.#pending = [...this.#next]
    this.#held = [...this.#next]
    logger.info({ topic: sink.topic, from: this.#next }, 'warehouse sink resumes')
  }

  /** One slice of every partition that has something; true where anything was read. */
  async #readOnce(): Promise<boolean> {
    const { log, sink } = this.#options
    const input = inputOf(log)
    let read = false
    for (const [partition, end] of log.end(sink.topic).entries()) {
      const from = this.#next[partition] ?? 0
      if (from >= end || this.#stop.signal.aborted) continue
      const records = await log.read(sink.topic, partition, from, SLICE_BYTES)
      for (const record of records) {
        const prepared = sink.prepare(record, input)
        if (prepared !== undefined) {
          await this.#makeRoom(monthOf(prepared.month))
          prepared.add()
          this.#pending[partition] = record.offset + 1
        }
        this.#next[partition] = record.offset + 1
        read = true
      }
      if (this.#full()) await this.#flush()
    }
    return read
  }

  /** A part belongs to one month: rows of another begin a new batch. */
  async #makeRoom(month: number): Promise<void> {
    if (this.#rows() > 0 && month !== this.#month) await this.#flush()
    if (this.#rows() > 0) return
    this.#month = month
    this.#begun = [...this.#next]
    this.#firstAt = this.#options.now()
  }

  #rows(): number {
    const { tables } = this.#options.sink
    // The table resumed from gets a row of every record that makes any.
    const last = tables.at(-1)
    return last === undefined ? 0 : rowsIn(last)
  }

  #full(): boolean {
    const rows = this.#rows()
    return (
      rows >= BATCH_ROWS_MAX || (rows > 0 && this.#options.sink.tables.reduce((sum, table) => sum + bytesIn(table), 0) >= BATCH_BYTES_MAX)
    )
  }

  async #flush(): Promise<void> {
    const { log, sink } = this.#options
    if (this.#rows() === 0) return
    const token = this.#pending.flatMap((to, p) => (to === this.#held[p] ? [] : [`${p}:${this.#held[p]}-${to}`])).join(' ')
    for (const table of sink.tables) {
      const rows = rowsIn(table)
      if (rows === 0) continue
      // Stopped while the warehouse is away: the rows stay in the log, and whoever resumes reads them again.
      if (!(await this.#persistently(`inserting ${rows} rows into ${table.table}`, () => this.#insert(table, token)))) return
      this.#inserted[table.table] = (this.#inserted[table.table] ?? 0) + rows
    }
    this.#flushedAt = this.#options.now()
    for (const table of sink.tables) clearRows(table)
    this.#held = [...this.#pending]
    // Not what was merely read: what follows the last row (claims) is read again by whoever resumes from the table.
    log.release(sink.topic, sink.consumer, this.#held)
  }

  #insert(table: RowSink['tables'][number], token: string): Promise<void> {
    return this.#options.inserter.insert(table, `${table.table} ${token}`)
  }

  /** True once it is done; false where the sink was stopped before. Rejects where going on is for a new process. */
  async #persistently(what: string, run: () => Promise<void>): Promise<boolean> {
    const { logger, now, patience = 'ends' } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        await run()
        if (this.#away !== null) logger.warn({ what, attempt }, 'the warehouse takes rows again')
        this.#away = null
        return true
      } catch (error) {
        if (error instanceof TerminalFailure) throw error
        logger.warn({ err: error, what, attempt }, 'the warehouse did not take it')
        if (patience === 'ends' && attempt === ATTEMPTS_MAX) throw error
        if (patience === 'waits') this.#away ??= { since: now(), reason: error instanceof Error ? error.message : String(error) }
        if (patience === 'waits' && this.#stop.signal.aborted) return false
        const wait = Math.min(AWAY_RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(attempt - 1, 10))
        await delay(wait, undefined, patience === 'waits' ? { signal: this.#stop.signal } : {}).catch(() => {})
      }
    }
  }
}
