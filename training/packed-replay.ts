/** A replay in few large arrays, which change threads without being copied value by value. */
import type { ApplicantId } from '#schemas/units.ts'
import { epochMs } from '#schemas/units.ts'
import type { Replayed, ReplayedApplication, ReplayedRow } from './replayed.ts'

interface PackedApplications {
  readonly applicationIds: readonly string[]
  readonly applicantIds: readonly ApplicantId[]
  /** Epoch ms. */
  readonly eventTimes: Float64Array
  /** Applications × features, row-major. */
  readonly values: Float32Array
}

export interface PackedReplay {
  readonly rows: PackedApplications & { readonly labels: Uint8Array }
  readonly recent: PackedApplications
  readonly counts: Pick<Replayed, 'events' | 'unlabelled' | 'excluded'>
}

const packed = (rows: readonly ReplayedApplication[], columns: number): PackedApplications => {
  const values = new Float32Array(rows.length * columns)
  rows.forEach(({ vector }, row) => values.set(vector, row * columns))
  return {
    applicationIds: rows.map(({ application }) => application.applicationId),
    applicantIds: rows.map(({ application }) => application.applicantId),
    eventTimes: Float64Array.from(rows, ({ application }) => application.eventTime),
    values,
  }
}

/** Vectors are views of the one matrix. */
const unpacked = ({ applicationIds, applicantIds, eventTimes, values }: PackedApplications, columns: number): ReplayedApplication[] =>
  applicationIds.map((applicationId, row) => ({
    application: { applicationId, applicantId: applicantIds[row]!, eventTime: epochMs(eventTimes[row]!) },
    vector: values.subarray(row * columns, (row + 1) * columns),
  }))

export const packReplay = ({ rows, recent, ...counts }: Replayed, columns: number): PackedReplay => ({
  rows: { ...packed(rows, columns), labels: Uint8Array.from(rows, ({ label }) => label) },
  recent: packed(recent, columns),
  counts,
})

/** The memory of a packed replay that is handed over rather than copied. */
export const buffersOf = ({ rows, recent }: PackedReplay): ArrayBufferLike[] => [
  rows.values.buffer,
  rows.eventTimes.buffer,
  rows.labels.buffer,
  recent.values.buffer,
  recent.eventTimes.buffer,
]

export const unpackReplay = ({ rows, recent, counts }: PackedReplay, columns: number): Replayed => ({
  ...counts,
  rows: unpacked(rows, columns).map((row, index): ReplayedRow => ({ ...row, label: rows.labels[index]! })),
  recent: unpacked(recent, columns),
})
