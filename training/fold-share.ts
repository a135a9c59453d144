/** What a thread of `replay-shares.ts` does: folds its share and hands over the rows. */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { parentPort, workerData } from 'node:worker_threads'
import type { FeatureSet } from '#features/feature-set.ts'
import { EventReplay, type EventSource } from './event-replay.ts'
import { buffersOf, packReplay } from './packed-replay.ts'
import type { Share, ShareMessage, ShareOrder } from './share.ts'

export interface OpenedShare {
  readonly featureSet: FeatureSet
  /** Events of the share's applicants alone, in log order. */
  readonly source: EventSource
}

const tell = (message: ShareMessage, handedOver: readonly ArrayBufferLike[] = []): void =>
  parentPort?.postMessage(message, handedOver as ArrayBuffer[])

/** The whole of such a thread. `open` gets the rest of what the thread was started with. */
export const foldShare = async (open: (share: Share, featureSetHash: string) => OpenedShare): Promise<void> => {
  const { share, featureSetHash, rowsMax, recentMax, maturedBy } = workerData as ShareOrder
  const { featureSet, source } = open(share, featureSetHash)
  if (featureSet.hash !== featureSetHash)
    throw new TypeError(`the thread of share ${share.index} computes feature set ${featureSet.hash}, not ${featureSetHash}: a bug`)
  const folding = new EventReplay({
    featureSet,
    ...(rowsMax === undefined ? {} : { rowsMax }),
    ...(recentMax === undefined ? {} : { recentMax }),
    ...(maturedBy === undefined ? {} : { maturedBy }),
    onProgress: (events, applications) => tell({ kind: 'progress', events, applications }),
  })
  await source(folding)
  const replay = packReplay(folding.finish(), featureSet.size)
  tell({ kind: 'folded', replay }, buffersOf(replay))
}
