/**
 * Readers of the decisions log, built on the engine's own follower: one beside each process, as a gateway has it, and a table that takes rows
 * slowly, is torn away and goes on behind its own newest row.
 */
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { DecisionFollower, type ReaderPosition } from '#streams/follow-decisions.ts'
import type { LogRecord } from '#streams/ports.ts'
import type { Line } from './line.ts'
import type { Scheduler } from './scheduler.ts'
import { logOver, type SharedLog } from './shared-log.ts'

/** What a reader believed: input position → capsule hash, or several where it believed several. */
export type Beliefs = Map<string, Set<string>>

export const believe = (beliefs: Beliefs, record: LogRecord): void => {
  const found = decodeDecisionRecord(record.value)
  if (found.kind !== 'decision') return
  const { body, capsuleHash } = found.decision
  const at = `${body.partition}-${body.offset}`
  beliefs.set(at, (beliefs.get(at) ?? new Set()).add(capsuleHash))
}

export const startOf = (log: SharedLog): ReaderPosition => {
  const none = Array.from({ length: log.partitions }, () => -1)
  return { next: none.map(() => 0), epoch: none, decided: none }
}

/** Rows by position, each inserted once more where the answer was lost. */
export class Table {
  readonly rows: Beliefs = new Map()
  readonly #log: SharedLog
  readonly #scheduler: Scheduler
  #line: Line | undefined
  #at: { next: number[]; epoch: number[]; decided: number[] }

  constructor(log: SharedLog, scheduler: Scheduler) {
    this.#log = log
    this.#scheduler = scheduler
    const { next, epoch, decided } = startOf(log)
    this.#at = { next: Array.from(next), epoch: Array.from(epoch), decided: Array.from(decided) }
  }

  /** Tears the sink away from its reader, if there is one, and begins again behind the newest row of each partition. */
  restart(line: Line): void {
    this.#line?.cut()
    this.#line = line
    const waiting: LogRecord[] = []
    let inserting = false
    const insert = (): void => {
      const [record] = waiting
      if (inserting || record === undefined) return
      inserting = true
      line
        .call((reach) => {
          if (reach > 0.5) this.#put(record)
        })
        .then(() => waiting.shift())
        .catch(() => {})
        .finally(() => {
          inserting = false
          insert()
        })
        .catch(() => {})
    }
    const log = logOver(line, this.#log, this.#scheduler)
    new DecisionFollower({ log, pauses: line.pauses, failed: () => {} }, structuredClone(this.#at), (records) => {
      waiting.push(...records)
      insert()
    })
  }

  #put(record: LogRecord): void {
    believe(this.rows, record)
    const found = decodeDecisionRecord(record.value)
    if (found.kind !== 'decision') return
    this.#at.next[record.partition] = record.offset + 1
    this.#at.epoch[record.partition] = found.decision.epoch
    this.#at.decided[record.partition] = found.decision.body.offset
  }
}
