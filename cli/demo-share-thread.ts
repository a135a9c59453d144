/** A thread of `demo-shares.ts`: the demo stream of its share of the clients. */
import { readFileSync } from 'node:fs'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { eventsFrom } from '#training/dataset.ts'
import { foldShare } from '#training/fold-share.ts'
import { inShare } from '#training/share.ts'
import { requireFeatureSet } from './feature-sets.ts'
import { DEMO_DATA } from './project.ts'

await foldShare((share, featureSetHash) => ({
  featureSet: requireFeatureSet(featureSetHash, 'the replay').set,
  source: eventsFrom(demoStream(readFileSync(DEMO_DATA), { only: (id) => inShare(share, id) }).events()),
}))
