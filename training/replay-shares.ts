/**
 * Replay on several threads. Each opens the source itself and folds the applicants of its share; only finished rows change threads. Handing events
 * from one reader to others was measured and not taken: writing and reading one costs more than folding it.
 */
import type { Worker } from 'node:worker_threads'
import type { ReplayOptions } from './event-replay.ts'
import { unpackReplay } from './packed-replay.ts'
import { joinShares, type Replayed } from './replayed.ts'
import type { ShareMessage, ShareOrder } from './share.ts'

/** A source that any thread can open, for a share of the applicants. An outcome belongs to the applicant whose application it names. */
export interface EventShares {
  /** Threads, at least 1. */
  readonly shares: number
  /** Starts a thread whose `workerData` holds `order`, and which runs `foldShare`. */
  start(order: ShareOrder): Worker
}

interface Progress {
  readonly events: number
  readonly applications: number
}

/** Of one thread, until it has answered. */
const answerOf = (worker: Worker, index: number, columns: number, onProgress: (progress: Progress) => void): Promise<Replayed> =>
  new Promise((resolve, reject) => {
    worker.on('message', (message: ShareMessage) => {
      if (message.kind === 'progress') onProgress(message)
      else resolve(unpackReplay(message.replay, columns))
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the thread that replays share ${index} ended (${code}) without an answer`)))
  })

/** What must be seen or told in one order cannot be split by applicant. */
const requireSeparable = ({ featureSet, linked, onVector }: ReplayOptions): void => {
  if (featureSet.linked !== undefined || linked !== undefined)
    throw new RangeError('a set that reads linked entities depends on the order of all applicants; replay it on one thread')
  if (onVector !== undefined) throw new RangeError('vectors can be seen as they are made on one thread only; replay on one thread')
}

/** As one replay of the whole source, bit for bit. Rejects with what the first thread failed of; the others are ended. */
export const replayShares = async (source: EventShares, options: ReplayOptions): Promise<Replayed> => {
  requireSeparable(options)
  const { featureSet, rowsMax, recentMax, maturedBy, onProgress } = options
  const reached: Progress[] = Array.from({ length: source.shares }, () => ({ events: 0, applications: 0 }))
  const workers: Worker[] = []
  const folded = reached.map((_, index) => {
    const worker = source.start({ share: { index, of: source.shares }, featureSetHash: featureSet.hash, rowsMax, recentMax, maturedBy })
    workers.push(worker)
    return answerOf(worker, index, featureSet.size, (progress) => {
      reached[index] = progress
      onProgress?.(
        reached.reduce((sum, { events }) => sum + events, 0),
        reached.reduce((sum, { applications }) => sum + applications, 0),
      )
    })
  })
  try {
    return joinShares(await Promise.all(folded), rowsMax, recentMax)
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
