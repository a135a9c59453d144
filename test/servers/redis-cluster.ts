/** A Redis Cluster of masters (and, where asked for, one replica each), all slots covered. */
import { type RedisServer, startRedis } from './redis.ts'

const SLOTS = 16_384
const READY_MS_MAX = 20_000

export interface RedisCluster {
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly RedisServer[]
  readonly addresses: string
  destroy(): Promise<void>
}

export const startRedisCluster = async (masterCount: number, { replicas: withReplicas = false } = {}): Promise<RedisCluster> => {
  const count = withReplicas ? 2 * masterCount : masterCount
  const args = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--cluster-replica-validity-factor',
    '0',
    '--appendonly',
    'yes',
  ]
  const nodes = await Promise.all(Array.from({ length: count }, () => startRedis({ args })))
  const masters = nodes.slice(0, masterCount)
  const replicas = nodes.slice(masterCount)
  const first = masters[0] as RedisServer
  await Promise.all(
    masters.map((node, i) =>
      node.call('CLUSTER', 'ADDSLOTSRANGE', Math.floor((i * SLOTS) / masterCount), Math.floor(((i + 1) * SLOTS) / masterCount) - 1),
    ),
  )
  for (const [epoch, node] of nodes.entries()) await node.call('CLUSTER', 'SET-CONFIG-EPOCH', epoch + 1)
  for (const node of nodes.slice(1)) await node.call('CLUSTER', 'MEET', '127.0.0.1', first.port)
  await until(async () => (await Promise.all(nodes.map((node) => stateOf(node)))).every((state) => state === `ok ${count}`))
  for (const [i, replica] of replicas.entries())
    await replica.call('CLUSTER', 'REPLICATE', String(await masters[i]?.call('CLUSTER', 'MYID')))
  await until(async () => {
    const links = await Promise.all(replicas.map((replica) => replica.call('INFO', 'replication')))
    return links.every((info) => String(info).includes('master_link_status:up'))
  })
  return {
    masters,
    replicas,
    addresses: nodes.map(({ address }) => address).join(','),
    destroy: async () => void (await Promise.all(nodes.map((node) => node.destroy()))),
  }
}

const stateOf = async (node: RedisServer): Promise<string> => {
  const info = String(await node.call('CLUSTER', 'INFO'))
  return `${/cluster_state:(\w+)/.exec(info)?.[1]} ${/cluster_known_nodes:(\d+)/.exec(info)?.[1]}`
}

export const until = async (condition: () => Promise<boolean>, ms = READY_MS_MAX): Promise<void> => {
  const deadline = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not so within ${ms} ms`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
