/** Looks for room before LMDB writes: a commit that fails half-way for want of it leaves LMDB unable to say so, and ends the process. */
import { statfsSync } from 'node:fs'
import { RetryableFailure } from '../failure.ts'

/** A record changes its leaf and, shared with others, the pages above it, all of them copied: two pages of 4 KiB are a generous share. */
const BYTES_PER_RECORD = 8 * 1024
/** What else a commit may take. */
const BYTES_BESIDE = 1024 * 1024

/** Throws `disk-full` (retryable) where a commit of so many records might not fit. One system call. */
export const needRoomFor = (records: number, folder: string): void => {
  const { bavail, bsize } = statfsSync(folder)
  const needed = records * BYTES_PER_RECORD + BYTES_BESIDE
  if (bavail * bsize < needed)
    throw new RetryableFailure(
      'disk-full',
      `${folder} needs ${needed} bytes free and has ${bavail * bsize}; nothing was changed. Free space; it is tried again by itself.`,
    )
}
