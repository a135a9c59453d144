/** Labelled feature vectors, replayed from events through the very fold that serves live decisions. */
import { createHash } from 'node:crypto'
import type { FeatureSet } from '#features/feature-set.ts'
import { isHoldout } from '#registry/holdout.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'

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
}

interface Row {
  readonly application: ApplicationEvent
  readonly vector: Float32Array
}

export interface ReplayProgress {
  (events: number, applications: number): void
}

const PROGRESS_EVERY_EVENTS = 20_000

/**
 * Folds `events` (in log order) into one state per applicant and reads each application's vector as of its own moment, as the live
 * pipeline does: what comes later cannot reach it. An erasure wipes the state and drops the applicant's rows. Memory: one state per applicant
 * and one vector per application.
 *
 * @param maturedBy Only outcomes final by then (epoch ms) label a row, as whoever had trained at that moment would have known them; all where
 * left out.
 */
export const replay = (
  events: Iterable<CreditEvent>,
  featureSet: FeatureSet,
  onProgress?: ReplayProgress,
  maturedBy: number = Infinity,
): ReplayedData => {
  const states = new Map<string, Uint8Array>()
  let rows: Row[] = []
  const labels = new Map<string, number>()
  let count = 0
  for (const event of events) {
    if (++count % PROGRESS_EVERY_EVENTS === 0) onProgress?.(count, rows.length)
    let state = states.get(event.applicantId)
    if (state === undefined) states.set(event.applicantId, (state = featureSet.emptyState()))
    featureSet.fold(state, event)
    if (event.kind === 'subject-request' && event.request === 'erasure') {
      states.delete(event.applicantId)
      rows = rows.filter(({ application }) => application.applicantId !== event.applicantId)
    } else if (event.kind === 'application') {
      const vector = new Float32Array(featureSet.size)
      featureSet.vector(state, event, vector, 0)
      rows.push({ application: event, vector })
    } else if (event.kind === 'outcome' && event.observed && event.maturedAt <= maturedBy) {
      labels.set(event.applicationId, event.label)
    }
  }
  onProgress?.(count, rows.length)
  return assemble(rows, labels, featureSet.size, count)
}

const byApplicationId = (a: Row, b: Row): number => (a.application.applicationId < b.application.applicationId ? -1 : 1)

const assemble = (rows: readonly Row[], labels: ReadonlyMap<string, number>, columns: number, events: number): ReplayedData => {
  const labelled = rows.filter((row) => labels.has(row.application.applicationId)).toSorted(byApplicationId)
  const hash = createHash('sha256')
  for (const { application, vector } of labelled) {
    hash.update(`${application.applicationId}\n${labels.get(application.applicationId)}\n`)
    hash.update(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
  }
  const dataset = (part: readonly Row[]): Dataset => {
    const values = new Float32Array(part.length * columns)
    part.forEach((row, index) => values.set(row.vector, index * columns))
    return {
      rows: part.length,
      columns,
      values,
      labels: Uint8Array.from(part, (row) => labels.get(row.application.applicationId)!),
      applicantIds: part.map((row) => row.application.applicantId),
    }
  }
  const held = (row: Row): boolean => isHoldout(row.application.applicantId)
  return {
    training: dataset(labelled.filter((row) => !held(row))),
    holdout: dataset(labelled.filter(held)),
    sha256: hash.digest('hex'),
    events,
    unlabelled: rows.length - labelled.length,
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
  return { rows: rows.length, columns: data.columns, values, labels, applicantIds }
}

/** Share of bads, in [0, 1]. */
export const badRate = (labels: ArrayLike<number>): number => {
  let bads = 0
  for (let row = 0; row < labels.length; row++) bads += labels[row]!
  return bads / labels.length
}
