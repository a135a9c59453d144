/** What each sink makes of its topic's records, and how it finds where it stopped. */
import type { DeadLetter } from '#schemas/dead-letter.ts'
import type { Decision } from '#schemas/decision.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { decodeDeadLetter, decodeDecisionRecord } from '#schemas/wire.ts'
import { type Input, readInput } from '../input.ts'
import type { LogRecord, Topic } from '../ports.ts'
import { DeadLetterRows } from './dead-letter-rows.ts'
import { DecisionRows } from './decision-rows.ts'
import { EventRows, OutcomeRows } from './event-rows.ts'
import type { SqlConnection } from './ports.ts'
import type { TableRows } from './table-rows.ts'

/** A record turned into something addable, and the instant that chooses its monthly partition; undefined where it makes no row. */
export interface Prepared {
  readonly month: number
  add(): void
}

export interface RowSink {
  readonly topic: Topic
  /** Name under which read positions are released to the log's retention. */
  readonly consumer: string
  /**
   * In the order of insertion. A crash between two inserts repeats the earlier one, so the table that the sink resumes from comes last:
   * rows of the others may repeat (their identity makes that harmless) but are never missing.
   */
  readonly tables: readonly TableRows[]
  /** Records that made no row although they should have. */
  readonly rejected: number
  /** Per partition, the offset after the last that is in the table; absent where the table has nothing of it. */
  resume(connection: SqlConnection, database: string): Promise<ReadonlyMap<number, number>>
  /** `input` says how events stand in the log. */
  prepare(record: LogRecord, input: Input): Prepared | undefined
}

const positions = (rows: readonly { readonly partition: number; readonly next: number }[]): Map<number, number> =>
  new Map(rows.map(({ partition, next }) => [partition, next]))

export class EventSink implements RowSink {
  readonly topic = 'credit-events'
  readonly consumer = 'warehouse'
  readonly #events = new EventRows()
  readonly #outcomes = new OutcomeRows()
  readonly tables = [this.#outcomes, this.#events]
  rejected = 0

  async resume(connection: SqlConnection, database: string): Promise<ReadonlyMap<number, number>> {
    return positions(await connection.rows(`SELECT partition, max(offset) + 1 AS next FROM ${database}.events GROUP BY partition`))
  }

  prepare(record: LogRecord, input: Input): Prepared | undefined {
    const found = readInput(record, input)
    // A stray makes its row where it is put.
    if (found.kind === 'stray') return undefined
    if (found.kind === 'rejected') {
      // The pipeline dead-letters it with its bytes; here it only must not stop the rest.
      this.rejected += 1
      return undefined
    }
    return { month: record.appendedAt, add: () => this.#add(found.event, record) }
  }

  #add(event: CreditEvent, record: LogRecord): void {
    this.#events.add(event, record)
    if (event.kind === 'outcome') this.#outcomes.add(event, record)
  }
}

export class DecisionSink implements RowSink {
  readonly topic = 'decisions'
  readonly consumer = 'warehouse'
  readonly #rows = new DecisionRows()
  readonly tables = [this.#rows]
  /** Epoch of the newest claim seen, per partition. */
  readonly #newest = new Map<number, number>()
  rejected = 0

  /** The row at the highest position was believed, so its epoch is the newest claim before it. */
  async resume(connection: SqlConnection, database: string): Promise<ReadonlyMap<number, number>> {
    const rows = await connection.rows<{ partition: number; next: number; newest: number }>(
      `SELECT partition, max(log_offset) + 1 AS next, argMax(epoch, log_offset) AS newest FROM ${database}.decisions GROUP BY partition`,
    )
    for (const { partition, newest } of rows) this.#newest.set(partition, newest)
    return positions(rows)
  }

  prepare(record: LogRecord): Prepared | undefined {
    const decoded = decodeDecisionRecord(record.value)
    switch (decoded.kind) {
      case 'claim':
        this.#newest.set(record.partition, Math.max(this.#newest.get(record.partition) ?? -1, record.offset))
        return undefined
      case 'rejected':
        this.rejected += 1
        return undefined
      case 'decision': {
        const { decision } = decoded
        // Written by an owner that had been succeeded: nobody believes it, ever.
        if (decision.epoch < (this.#newest.get(record.partition) ?? -1)) return undefined
        return { month: decision.envelope.decidedAt, add: () => this.#add(decision, record) }
      }
      default:
        return decoded satisfies never
    }
  }

  #add(decision: Decision, record: LogRecord): void {
    this.#rows.add(decision, record.offset)
  }
}

export class DeadLetterSink implements RowSink {
  readonly topic = 'dead-letters'
  readonly consumer = 'warehouse'
  readonly #rows = new DeadLetterRows()
  readonly tables = [this.#rows]
  rejected = 0

  async resume(connection: SqlConnection, database: string): Promise<ReadonlyMap<number, number>> {
    return positions(
      await connection.rows(
        `SELECT log_partition AS partition, max(log_offset) + 1 AS next FROM ${database}.dead_letters GROUP BY log_partition`,
      ),
    )
  }

  prepare(record: LogRecord): Prepared | undefined {
    const parsed = decodeDeadLetter(record.value)
    if (parsed.kind === 'rejected') {
      this.rejected += 1
      return undefined
    }
    return { month: 0, add: () => this.#add(parsed.value, record) }
  }

  #add(letter: DeadLetter, record: LogRecord): void {
    this.#rows.add(letter, record)
  }
}
