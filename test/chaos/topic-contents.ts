/** All records of a topic, read by kafkajs. */
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
  await admin.disconnect()
  const records: Contents[][] = ends.map(() => [])
  const left = new Set(ends.filter(({ end }) => end > 0).map(({ partition }) => partition))
  const consumer = kafka.consumer({ groupId: `auditor-${topic}-${process.pid}-${performance.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  if (left.size === 0) resolve()
  await consumer.run({
    eachMessage: ({ partition, message }) => {
      const offset = Number(message.offset)
      records[partition]?.push({ partition, offset, key: message.key ?? Buffer.alloc(0), value: message.value ?? Buffer.alloc(0) })
      if (offset + 1 >= (ends.find((one) => one.partition === partition)?.end ?? 0)) left.delete(partition)
      if (left.size === 0) resolve()
      return Promise.resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return records
}
