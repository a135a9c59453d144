/** All records of a topic, read by kafkajs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'

/** Without a message for so long, nothing comes any more. */
const QUIET_MS = 2_000

export interface Contents {
  readonly partition: number
  readonly offset: number
  readonly key: Buffer
  readonly value: Buffer
}

export const contentsOf = async (broker: string, topic: string): Promise<readonly (readonly Contents[])[]> => {
  const kafka = new Kafka({ brokers: [broker], clientId: 'auditor', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, end: Number(high) }))
  await admin.disconnect()
  const records: Contents[][] = ends.map(() => [])
  const seen = new Map<number, number>()
  let lastAt = performance.now()
  const consumer = kafka.consumer({ groupId: `auditor-${topic}-${process.pid}-${performance.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ partition, message }) => {
      const offset = Number(message.offset)
      seen.set(partition, offset)
      lastAt = performance.now()
      records[partition]?.push({ partition, offset, key: message.key ?? Buffer.alloc(0), value: message.value ?? Buffer.alloc(0) })
      return Promise.resolve()
    },
  })
  // The last offset may be the mark of a transaction, which is no message: the one before it is then the last.
  const reached = (behind: number): boolean => ends.every(({ partition, end }) => (seen.get(partition) ?? -1) >= end - behind)
  while (!reached(1) && !(reached(2) && performance.now() - lastAt > QUIET_MS)) await sleep(50)
  await consumer.disconnect()
  return records
}
