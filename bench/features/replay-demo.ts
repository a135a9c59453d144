/** The replay of `scorestream train`: the demo data to labelled matrices, on some number of threads. */
import { creditFeatureSet } from '#features/credit-v1.ts'
import { replaySource } from '#training/dataset.ts'
import { demoEvents } from '../../cli/demo-shares.ts'

export interface ReplayedDemo {
  readonly events: number
  /** Of all rows and labels. */
  readonly sha256: string
  /** CPU time of all threads. */
  readonly cpuSeconds: number
  readonly seconds: number
}

export const replayDemo = async (workers: number): Promise<ReplayedDemo> => {
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  const { events, sha256 } = await replaySource(demoEvents(false, workers), { featureSet: creditFeatureSet })
  const { user, system } = process.cpuUsage(cpu)
  return { events, sha256, cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - began) / 1000 }
}
