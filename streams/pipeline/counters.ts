/** What the engine counts. Nothing that happens to an event is silent: each way through the pipeline has its number here. */
import type { DegradeStep } from '#schemas/decision.ts'
import type { EventKind } from '#schemas/events.ts'
import type { RejectionCode } from '#schemas/rejection.ts'

export interface EngineCounters {
  /** New events folded, by kind. */
  readonly events: Partial<Record<EventKind, number>>
  decisions: number
  /** Repeats of an event seen within the horizon, without effect. */
  duplicates: number
  /** Records that went to the dead letters, by code. */
  readonly deadLetters: Partial<Record<RejectionCode, number>>
  /** Events that lay where their applicant does not belong, and were appended where it does. */
  rerouted: number
  /** Events older than the newest of their applicant. */
  late: number
  /** Dedupe entries pushed out by count before their horizon. */
  dedupeOverflow: number
  readonly degraded: Partial<Record<DegradeStep, number>>
  /** Decisions of a predecessor taken over as they are. */
  adopted: number
  /** Positions a predecessor had deliberately left undecided. */
  passed: number
  /** Partitions claimed, and those let go because another owner claimed them or the store stood elsewhere. */
  claims: number
  losses: number
  /** Attempts undone because code threw; each refolds from the last commit. */
  restarts: number
  batches: number
  commits: number
  /** Publishes or commits tried again after a retryable failure. */
  retries: number
  erasures: number
  /** Events refused at the edge as duplicates or conflicts, before the log. */
  ingestDuplicates: number
  ingestConflicts: number
  ingestRejected: number
}

export const newCounters = (): EngineCounters => ({
  events: {},
  decisions: 0,
  duplicates: 0,
  deadLetters: {},
  rerouted: 0,
  late: 0,
  dedupeOverflow: 0,
  degraded: {},
  adopted: 0,
  passed: 0,
  claims: 0,
  losses: 0,
  restarts: 0,
  batches: 0,
  commits: 0,
  retries: 0,
  erasures: 0,
  ingestDuplicates: 0,
  ingestConflicts: 0,
  ingestRejected: 0,
})

/** Adds a batch's counts; a batch that was undone is never added. */
export const addCounters = (total: EngineCounters, batch: EngineCounters): void => {
  for (const name of Object.keys(batch) as (keyof EngineCounters)[]) {
    const part = batch[name]
    if (typeof part === 'number') (total as unknown as Record<string, number>)[name] = (total[name] as number) + part
    else
      for (const [key, n] of Object.entries(part))
        (total[name] as Record<string, number>)[key] = ((total[name] as Record<string, number>)[key] ?? 0) + n
  }
}

export const count = <Name extends string>(counts: Partial<Record<Name, number>>, name: Name): void => {
  counts[name] = (counts[name] ?? 0) + 1
}
