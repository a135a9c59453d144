/**
 * Sends one encoded batch to its partition's leader. Batches of several partitions that are handed over in one turn travel in one request,
 * because a broker answers a connection's requests one after the other.
 */
import { type Connection, Writer } from '@platformatic/kafka'
import type { KafkaCluster } from './cluster.ts'
import { WireReader } from './wire-reader.ts'

const PRODUCE = 0
/** Brokers know version 9 since 2.8. */
const VERSION = 9
const ALL_IN_SYNC = -1
const TIMEOUT_MS = 20_000

export interface Produced {
  readonly errorCode: number
  readonly baseOffset: number
}

interface Batch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

interface Pending extends Batch {
  readonly resolve: (produced: Produced) => void
  readonly reject: (error: Error) => void
}

const waiting = new WeakMap<KafkaCluster, Map<number, Pending[]>>()

const leaderOf = async (cluster: KafkaCluster, topic: string, partition: number, stale: boolean): Promise<number> =>
  (await cluster.topics([topic], stale)).topics.get(topic)?.partitions[partition]?.leader ?? -1

/** `stale` asks anew who leads the partition. */
export const produce = async (
  cluster: KafkaCluster,
  topic: string,
  partition: number,
  bytes: Buffer,
  stale: boolean,
): Promise<Produced> => {
  const leader = await leaderOf(cluster, topic, partition, stale)
  return new Promise((resolve, reject) => {
    let byLeader = waiting.get(cluster)
    if (byLeader === undefined) waiting.set(cluster, (byLeader = new Map()))
    const pending = byLeader.get(leader)
    if (pending !== undefined) return void pending.push({ topic, partition, bytes, resolve, reject })
    const batch = [{ topic, partition, bytes, resolve, reject }]
    byLeader.set(leader, batch)
    const leaders = byLeader
    setImmediate(() => {
      leaders.delete(leader)
      void send(cluster, leader, batch)
    })
  })
}

/** A batch that is part of a transaction; such a request can carry no other transaction's. */
export const produceWithin = async (
  transactionalId: string,
  cluster: KafkaCluster,
  batch: Batch,
  { stale, slot }: { readonly stale: boolean; readonly slot: string },
): Promise<Produced> => {
  const connection = await cluster.connection(await leaderOf(cluster, batch.topic, batch.partition, stale), 'transaction', slot)
  return answerFor(batch, await exchange(connection, transactionalId, [batch]))
}

const exchange = (
  connection: Connection,
  transactionalId: string | null,
  batches: readonly Batch[],
): Promise<ReadonlyMap<string, Produced>> =>
  new Promise((resolve, reject) => {
    connection.send<Map<string, Produced>>(
      PRODUCE,
      VERSION,
      () => request(transactionalId, batches),
      (_correlation, _key, _version, reader) => parseResponse(reader.buffer.slice(reader.position)),
      true,
      true,
      (error, produced) => (error === null ? resolve(produced as Map<string, Produced>) : reject(error)),
    )
  })

const answerFor = ({ topic, partition }: Batch, answers: ReadonlyMap<string, Produced>): Produced => {
  const answer = answers.get(`${topic}/${partition}`)
  if (answer === undefined) throw new Error(`the broker did not answer for ${topic}[${partition}]`)
  return answer
}

const send = async (cluster: KafkaCluster, leader: number, pending: readonly Pending[]): Promise<void> => {
  try {
    const answers = await exchange(await cluster.connection(leader, 'produce'), null, pending)
    for (const one of pending) one.resolve(answerFor(one, answers))
  } catch (error) {
    for (const { reject } of pending) reject(error as Error)
  }
}

const request = (transactionalId: string | null, batches: readonly Batch[]): Writer => {
  const topics = [...Map.groupBy(batches, ({ topic }) => topic)]
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ALL_IN_SYNC)
    .appendInt32(TIMEOUT_MS)
    .appendArray(topics, (w, [topic, pending]) => {
      w.appendString(topic).appendArray(pending, (inner, { partition, bytes }) => {
        inner
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes)
      })
    })
    .appendTaggedFields()
}

const parseResponse = (bytes: Buffer): Map<string, Produced> => {
  const reader = new WireReader(bytes)
  const out = new Map<string, Produced>()
  reader.array(() => {
    const topic = reader.compactString()
    reader.array(() => {
      const partition = reader.int32()
      const errorCode = reader.int16()
      out.set(`${topic}/${partition}`, { errorCode, baseOffset: reader.int64() })
      reader.at += 16
      reader.array(() => {
        reader.at += 4
        reader.compactString()
        reader.tags()
      })
      reader.compactString()
      reader.tags()
    })
    reader.tags()
  })
  return out
}
