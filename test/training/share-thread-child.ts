/** A thread of `replay-shares.test.ts`. */
import { creditFeatureSet } from '#features/credit-v1.ts'
import { foldShare } from '#training/fold-share.ts'
import { inShare } from '#training/share.ts'
import { sharedEvents } from './shared-events.ts'

await foldShare((share) => ({ featureSet: creditFeatureSet, source: sharedEvents((id) => inShare(share, id)) }))
