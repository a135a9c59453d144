/** What the two protocols of consumer groups have in common, seen from the ownership that uses one of them. */
import { type Connection, offsetCommitV8, offsetCommitV9 } from '@platformatic/kafka'
import type { Logger } from '../logger.ts'
import type { KafkaCluster } from './cluster.ts'
import type { Holdings } from './holdings.ts'

export interface GroupMember {
  /** Takes part until `signal` says to stop; rejects where a person must act. `joined` is called once the group knows this member. */
  run(signal: AbortSignal, joined: () => void): Promise<void>
  /** Notes positions with the group; false where it is not a member now. */
  commit(offsets: ReadonlyMap<number, number>): Promise<boolean>
  /** Tells the group that this member goes; what it held must be let go before. */
  leave(): Promise<void>
}

export interface MemberParts {
  readonly cluster: KafkaCluster
  readonly topic: string
  readonly topicId: string
  readonly partitions: number
  readonly holdings: Holdings
  readonly logger: Logger
}

const GROUP_KEY = 0

/** A connection to the broker that keeps the group; asked for anew each time, because it moves. */
export const coordinator = async (cluster: KafkaCluster): Promise<Connection> => {
  const { id } = cluster.settings.group
  const [found] = await cluster.admin.findCoordinator({ keyType: GROUP_KEY, keys: [id] })
  if (found === undefined) throw new Error(`no broker keeps the group ${id}`)
  await cluster.topics([])
  return cluster.connection(found.nodeId, 'group')
}

export interface Standing {
  readonly memberId: string
  /** Epoch of the consumer protocol, or generation of the classic one. */
  readonly epoch: number
}

/** Offsets for tools that show lag; where the group has moved on the next ones will do. */
export const commitOffsets = async (
  cluster: KafkaCluster,
  topic: string,
  { memberId, epoch }: Standing,
  offsets: ReadonlyMap<number, number>,
): Promise<boolean> => {
  const { id, instanceId } = cluster.settings.group
  const partitions = [...offsets].map(([partitionIndex, offset]) => ({
    partitionIndex,
    committedOffset: BigInt(offset),
    committedLeaderEpoch: -1,
    committedMetadata: null,
  }))
  const { api } = (await cluster.versionOf('OffsetCommit')) >= 9 ? offsetCommitV9 : offsetCommitV8
  await api.async(await coordinator(cluster), id, epoch, memberId, instanceId ?? null, [{ name: topic, partitions }])
  return true
}

/** Ends early, without an error, when `signal` is given. */
export const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
