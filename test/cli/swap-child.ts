/**
 * Exchanges two real bundles fifty times in a process of its own and prints the resident memory after each ten, once collected: argv is the policy
 * and the two bundle directories. Needs --expose-gc.
 */
import { setImmediate } from 'node:timers/promises'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { loadScorerApart } from '#scoring/load-apart.ts'
import { SwappableDecider, swapBetweenBatches } from '#streams/swappable-decider.ts'

const [policyPath = '', ...bundles] = process.argv.slice(2)
const load = (bundleDir: string) => loadScorerApart({ bundleDir, policyPath, featureSet: creditFeatureSet, turn: setImmediate })
const idle = {
  positions: () => new Map([[0, 0]]),
  betweenBatches: (task: () => void) => Promise.resolve(task()),
}

const collect = async (): Promise<void> => {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const decider = new SwappableDecider(await load(bundles[0] ?? ''))
const memory: number[] = []
for (let swap = 1; swap <= 50; swap++) {
  await swapBetweenBatches(idle, decider, await load(bundles[swap % bundles.length] ?? ''))
  if (swap % 10 !== 0) continue
  await collect()
  memory.push(process.memoryUsage.rss())
}
process.stdout.write(`${JSON.stringify(memory)}\n`)
