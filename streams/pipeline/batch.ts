/** A micro-batch on its way through the stages: what had queued over all owned partitions, in order within each. */
import type { Decision, LinkedReading } from '#schemas/decision.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { Rejection } from '#schemas/rejection.ts'
import type { AppendRecord, LogRecord } from '../ports.ts'
import type { Lane } from './lane.ts'

export type Item =
  | { readonly kind: 'event'; readonly lane: Lane; readonly record: LogRecord; readonly event: CreditEvent }
  | { readonly kind: 'stray'; readonly lane: Lane; readonly record: LogRecord; readonly rerouted: AppendRecord }
  | { readonly kind: 'rejected'; readonly lane: Lane; readonly record: LogRecord; readonly rejection: Rejection }

/** An application whose vector is written and which waits for its verdict. */
export interface Pending {
  readonly lane: Lane
  readonly record: LogRecord
  readonly application: ApplicationEvent
  /** Start of its vector in the batch's buffer, in elements. */
  readonly at: number
  /** Linked entities that the vector was read off; undefined where the feature set reads none. */
  readonly linked: readonly LinkedReading[] | undefined
}

/** What an application tells a linked entity. */
export interface Told {
  readonly lane: Lane
  readonly record: AppendRecord
}

/** A decision on its way to the log, with the bytes that must be read back. */
export interface Published {
  readonly lane: Lane
  readonly decision: Decision
  readonly record: AppendRecord
}

export interface Batch {
  readonly items: readonly Item[]
  /** Next input offset of each lane once the batch is done. */
  readonly next: ReadonlyMap<Lane, number>
  /** Its single event threw before: all else is committed first, so that another failure costs nothing else. */
  readonly suspect: boolean
  /** 1, or `catchUpFactor` where so much waits that nobody waits for milliseconds: what is done by the batch may be done in larger pieces. */
  readonly stretch: number
  readonly timing: BatchTiming
}

/** Microseconds the batch as a whole spent in its stages; a decision's share is by count. */
interface BatchTiming {
  decodeUs: number
  stateUs: number
  foldUs: number
}

/** Code threw on this very event. The engine restarts from the last commit, and in the end sets the event aside. */
export class EventCrash extends Error {
  override readonly name = 'EventCrash'
  readonly partition: number
  readonly offset: number
  constructor(record: LogRecord, cause: unknown) {
    super(`processing ${record.partition}-${record.offset} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.partition = record.partition
    this.offset = record.offset
  }
}
