/** First and next offset of partitions, asked of their leaders. */
import { listOffsetsV7 } from '@platformatic/kafka'
import type { KafkaCluster } from './cluster.ts'

const EARLIEST = -2n
const LATEST = -1n
/** The end for readers of committed transactions. */
const READ_COMMITTED = 1
const NO_REPLICA = -1

interface LedPartition {
  readonly partition: number
  readonly leader: number
  readonly leaderEpoch: number
}

/** Rejects where any leader could not be asked. */
export const listOffsets = async (
  cluster: KafkaCluster,
  topic: string,
  partitions: readonly LedPartition[],
): Promise<readonly { readonly partition: number; readonly start: number; readonly end: number }[]> => {
  const byLeader = Map.groupBy(partitions, ({ leader }) => leader)
  const found = await Promise.all(
    [...byLeader].map(async ([leader, led]) => {
      const connection = await cluster.connection(leader, 'ask')
      const ask = async (timestamp: bigint): Promise<Map<number, number>> => {
        const asked = led.map(({ partition, leaderEpoch }) => ({ partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp }))
        const { topics } = await listOffsetsV7.api.async(connection, NO_REPLICA, READ_COMMITTED, [{ name: topic, partitions: asked }])
        return new Map(topics.flatMap((one) => one.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)])))
      }
      const [starts, ends] = await Promise.all([ask(EARLIEST), ask(LATEST)])
      return led.map(({ partition }) => ({ partition, start: starts.get(partition) as number, end: ends.get(partition) as number }))
    }),
  )
  return found.flat()
}
