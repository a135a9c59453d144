/** Labelled feature vectors, replayed from events through the very fold that serves live decisions. */
import { createHash } from 'node:crypto'
import type { FeatureSet } from '#features/feature-set.ts'
import { isHoldout } from '#registry/holdout.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { EventReplay, type EventSource, type ReplayOptions } from './event-replay.ts'
import { type EventShares, replayShares } from './replay-shares.ts'
import type { Replayed, ReplayedApplication, ReplayedRow } from './replayed.ts'

/** One row per application with an observed outcome, ordered by application id. */
export interface Dataset {
  readonly rows: number
  /** Features a row. */
  readonly columns: number
  /** rows × columns, row-major, float32, NaN = missing. */
  readonly values: Float32Array
  /** 0 good, 1 bad. */
  readonly labels: Uint8Array
  readonly applicantIds: readonly string[]
  /** Event time of each application, milliseconds since the epoch; absent in data that have none. */
  readonly eventTimes?: Float64Array
}

export interface ReplayedData {
  /** Applicants the model may learn from. */
  readonly training: Dataset
  /** The fixed fifth of applicants nothing is ever fitted on. */
  readonly holdout: Dataset
  /** SHA-256 hex over application ids, labels and vectors of all rows. */
  readonly sha256: string
  readonly events: number
  /** Applications without an observed, mature outcome, left out. */
  readonly unlabelled: number
  /** Applications left out because their applicant was touched by doubtful data. */
  readonly excluded: number
  /** The present population, row-major, labelled or not; null where it was not asked for. */
  readonly recent: Float32Array | null
}

/**
 * Folds `events` (in log order) into one state per applicant and reads each application's vector as of its own moment, as the live
 * pipeline does: what comes later cannot reach it. An erasure wipes the state and drops the applicant's rows.
 *
 * @param maturedBy Only outcomes final by then (epoch ms) label a row, as whoever had trained at that moment would have known them; all where
 * left out.
 */
export const replay = (
  events: Iterable<CreditEvent>,
  featureSet: FeatureSet,
  onProgress?: ReplayOptions['onProgress'],
  maturedBy = Infinity,
): ReplayedData => {
  const folding = new EventReplay({ featureSet, onProgress, maturedBy })
  for (const event of events) folding.event(event)
  return datasetsOf(folding.finish(), featureSet.size)
}

/** As {@link replay}, from a source that pushes, or from one in shares, on a thread each: the bytes are the same. */
export const replaySource = async (source: EventSource | EventShares, options: ReplayOptions): Promise<ReplayedData> => {
  if (typeof source !== 'function') return datasetsOf(await replayShares(source, options), options.featureSet.size)
  const folding = new EventReplay(options)
  await source(folding)
  return datasetsOf(folding.finish(), options.featureSet.size)
}

/** A source of events that are at hand. */
export const eventsFrom =
  (events: Iterable<CreditEvent>): EventSource =>
  (sink) => {
    for (const event of events) sink.event(event)
    return Promise.resolve()
  }

const joined = (rows: readonly ReplayedApplication[], columns: number): Float32Array => {
  const values = new Float32Array(rows.length * columns)
  rows.forEach((row, index) => values.set(row.vector, index * columns))
  return values
}

const datasetsOf = (replayed: Replayed, columns: number): ReplayedData => {
  const { rows: labelled, recent, events, unlabelled, excluded } = replayed
  const hash = createHash('sha256')
  for (const { application, vector, label } of labelled) {
    hash.update(`${application.applicationId}\n${label}\n`)
    hash.update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
  }
  const dataset = (part: readonly ReplayedRow[]): Dataset => ({
    rows: part.length,
    columns,
    values: joined(part, columns),
    labels: Uint8Array.from(part, ({ label }) => label),
    applicantIds: part.map((row) => row.application.applicantId),
    eventTimes: Float64Array.from(part, (row) => row.application.eventTime),
  })
  const held = (row: ReplayedRow): boolean => isHoldout(row.application.applicantId)
  return {
    training: dataset(labelled.filter((row) => !held(row))),
    holdout: dataset(labelled.filter(held)),
    sha256: hash.digest('hex'),
    events,
    unlabelled,
    excluded,
    recent: recent.length === 0 ? null : joined(recent, columns),
  }
}

/** The given rows of a dataset, copied, in the given order. */
export const takeRows = (data: Dataset, rows: ArrayLike<number>): Dataset => {
  const values = new Float32Array(rows.length * data.columns)
  const labels = new Uint8Array(rows.length)
  const applicantIds: string[] = []
  for (let index = 0; index < rows.length; index++) {
    const from = rows[index]! * data.columns
    values.set(data.values.subarray(from, from + data.columns), index * data.columns)
    labels[index] = data.labels[rows[index]!]!
    applicantIds.push(data.applicantIds[rows[index]!]!)
  }
  const { columns, eventTimes } = data
  const taken = eventTimes === undefined ? {} : { eventTimes: Float64Array.from(rows, (row) => eventTimes[row]!) }
  return { rows: rows.length, columns, values, labels, applicantIds, ...taken }
}

/** Row numbers of the `count` newest applications, ascending; every row where times are unknown or rows fewer. */
export const newestRows = ({ rows, eventTimes }: Dataset, count: number): Int32Array => {
  const all = Int32Array.from({ length: rows }, (_, row) => row)
  if (eventTimes === undefined || rows <= count) return all
  return all
    .toSorted((a, b) => eventTimes[b]! - eventTimes[a]! || a - b)
    .slice(0, count)
    .toSorted()
}

/** Event time of the oldest of the `count` newest applications, epoch ms; −Infinity where times are unknown or nothing is there. */
export const presentSince = (data: Dataset, count: number): number => {
  const { eventTimes } = data
  const rows = newestRows(data, count)
  return eventTimes === undefined || rows.length === 0
    ? -Infinity
    : rows.reduce((oldest, row) => Math.min(oldest, eventTimes[row]!), Infinity)
}

/** Row numbers of the applications at or after an event time, ascending; every row where times are unknown. */
export const rowsSince = ({ rows, eventTimes }: Dataset, since: number): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => row).filter((row) => (eventTimes?.[row] ?? Infinity) >= since)

/** Share of bads, in [0, 1]. */
export const badRate = (labels: ArrayLike<number>): number => {
  let bads = 0
  for (let row = 0; row < labels.length; row++) bads += labels[row]!
  return bads / labels.length
}
