/** All records of a topic, read by kafkajs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'

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
  const records: Contents[][] = ends.map(() => [])
  const groupId = `auditor-${topic}-${process.pid}-${performance.now()}`
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 100,
    eachMessage: ({ partition, message }) => {
      const offset = Number(message.offset)
      records[partition]?.push({ partition, offset, key: message.key ?? Buffer.alloc(0), value: message.value ?? Buffer.alloc(0) })
      return Promise.resolve()
    },
  })
  // Marks of transactions are no messages, but the consumer's position passes them.
  const passed = async (): Promise<boolean> => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    const at = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    return ends.every(({ partition, end }) => end === 0 || (at.get(partition) ?? -1) >= end)
  }
  while (!(await passed())) await sleep(100)
  await consumer.disconnect()
  await admin.disconnect()
  return records
}
