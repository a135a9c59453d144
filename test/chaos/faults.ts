/** What may happen to a cluster under load. Each returns the milliseconds until all partitions were worked on again, where that says something. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, SESSION_MS } from './cluster.ts'
import type { IndependentProducer } from './independent-producer.ts'
import { warehouseHolds } from './warehouse-rows.ts'

/** What a fault may strike, and how. */
export interface Struck {
  readonly cluster: Cluster
  readonly producer: IndependentProducer
  readonly random: () => number
  /** How long the warehouse is away. */
  readonly awayMs: number
}

export interface Fault {
  readonly name: string
  /** Whether the cluster has a warehouse, which then is judged too. */
  readonly withWarehouse?: true
  strike(struck: Struck): Promise<number | undefined>
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9',
    async strike({ cluster, random }) {
      const place = Math.floor(random() * 2)
      await cluster.killEngine(place)
      const recoveryMs = await cluster.whole()
      await cluster.begin(place)
      return recoveryMs
    },
  },
  {
    name: 'clean stop',
    async strike({ cluster, random }) {
      const place = Math.floor(random() * 2)
      const ending = cluster.engine(place).end()
      cluster.engines[place] = undefined
      const recoveryMs = await cluster.whole()
      await ending
      await cluster.begin(place)
      return recoveryMs
    },
  },
  {
    name: 'SIGSTOP zombie',
    async strike({ cluster, random }) {
      const { child } = cluster.engine(Math.floor(random() * 2))
      child.kill('SIGSTOP')
      await sleep(SESSION_MS * 2 + random() * SESSION_MS)
      child.kill('SIGCONT')
      return undefined
    },
  },
  {
    name: 'broker restart',
    async strike({ cluster: { broker } }) {
      await broker.kill()
      await broker.start()
      return undefined
    },
  },
  {
    name: 'Redis restart',
    async strike({ cluster }) {
      await cluster.restartRedis()
      return undefined
    },
  },
  {
    name: 'Redis rolled back',
    async strike({ cluster, random }) {
      cluster.copyRedis()
      await sleep(500 + random() * 1_500)
      await cluster.rollBackRedis()
      return undefined
    },
  },
  { name: 'Redis emptied', strike: async ({ cluster: { redis } }) => void (await redis.call('FLUSHALL')) },
  {
    name: 'rebalance storm',
    async strike({ cluster, random }) {
      for (let n = 0; n < 3; n++) {
        await cluster.begin(2)
        await sleep(random() * 500)
        if (n % 2 === 0) await cluster.killEngine(2)
        else {
          await cluster.engine(2).end()
          cluster.engines[2] = undefined
        }
      }
      return undefined
    },
  },
  {
    name: 'warehouse away',
    withWarehouse: true,
    async strike({ cluster, producer, awayMs }) {
      await cluster.warehouse?.kill()
      await sleep(awayMs)
      await cluster.warehouse?.start()
      return warehouseHolds(cluster, producer.sent)
    },
  },
  {
    name: 'disordered input',
    async strike({ producer, random }) {
      producer.disorder()
      await sleep(random() * 1_000)
      return undefined
    },
  },
]
