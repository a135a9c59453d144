/** What a replay leaves behind: of all events, or of the shares of applicants that threads folded, put together in the order of a single one. */
import type { ApplicationEvent } from '#schemas/events.ts'

/** An application and its vector as of its own moment. */
export interface ReplayedApplication {
  readonly application: Pick<ApplicationEvent, 'applicationId' | 'applicantId' | 'eventTime'>
  readonly vector: Float32Array
}

export interface ReplayedRow extends ReplayedApplication {
  /** 0 good, 1 bad. */
  readonly label: number
}

export interface Replayed {
  /** Applications with an observed outcome, by application id. */
  readonly rows: readonly ReplayedRow[]
  /** The newest applications, labelled or not, newest first. */
  readonly recent: readonly ReplayedApplication[]
  readonly events: number
  /** Applications without an observed outcome, left out. */
  readonly unlabelled: number
  /** Applications left out because their applicant was excluded. */
  readonly excluded: number
}

const newestFirst = (a: ReplayedApplication, b: ReplayedApplication): number =>
  b.application.eventTime - a.application.eventTime || (a.application.applicationId < b.application.applicationId ? -1 : 1)

/** The newest `count` by event time, equal times by application id, newest first. */
export const newest = <Row extends ReplayedApplication>(rows: readonly Row[], count: number): Row[] =>
  rows.toSorted(newestFirst).slice(0, count)

/** How applicants interleave leaves no trace. */
export const byApplicationId = (rows: readonly ReplayedRow[]): ReplayedRow[] =>
  rows.toSorted((a, b) => (a.application.applicationId < b.application.applicationId ? -1 : 1))

const summed = (shares: readonly Replayed[], of: (share: Replayed) => number): number => shares.reduce((sum, share) => sum + of(share), 0)

/**
 * Shares of the applicants as one replay of all of them, whatever their number and order: each share holds its own newest, so that the newest of
 * all are among them.
 *
 * @param rowsMax, recentMax As each share was folded with.
 */
export const joinShares = (shares: readonly Replayed[], rowsMax = Infinity, recentMax = 0): Replayed => {
  const rows = shares.flatMap((share) => share.rows)
  return {
    rows: byApplicationId(rows.length > rowsMax ? newest(rows, rowsMax) : rows),
    recent: newest(
      shares.flatMap((share) => share.recent),
      recentMax,
    ),
    events: summed(shares, ({ events }) => events),
    unlabelled: summed(shares, ({ unlabelled }) => unlabelled),
    excluded: summed(shares, ({ excluded }) => excluded),
  }
}
