/** Shares of the applicants, so that threads can fold them side by side; what a thread is told and what it tells. */
import { crc32 } from 'node:zlib'
import type { PackedReplay } from './packed-replay.ts'

/** Share `index` of `of`, from 0. */
export interface Share {
  readonly index: number
  readonly of: number
}

/** In `workerData` of a thread that folds a share. */
export interface ShareOrder {
  readonly share: Share
  /** The set that the thread must compute. */
  readonly featureSetHash: string
  readonly rowsMax: number | undefined
  readonly recentMax: number | undefined
  readonly maturedBy: number | undefined
}

/** What the thread tells: how far it is, then, once, what it folded. */
export type ShareMessage =
  | { readonly kind: 'progress'; readonly events: number; readonly applications: number }
  | { readonly kind: 'folded'; readonly replay: PackedReplay }

/**
 * Whether an applicant belongs to a share: by CRC-32 of the id. The low byte is left out, since the fifth that is never trained on goes by the
 * remainder of the same sum: shares of five would be all holdout or none.
 */
export const inShare = ({ index, of }: Share, applicantId: string): boolean => (crc32(applicantId) >>> 8) % of === index
