/** A topic as kafkajs reads it: committed records alone, or those of open and aborted transactions as well. */
import { Kafka, logLevel } from 'kafkajs'

export const readTopic = async (
  brokers: readonly string[],
  topic: string,
  { readUncommitted, until }: { readonly readUncommitted: boolean; readonly until: (values: readonly string[]) => boolean },
): Promise<readonly string[]> => {
  const kafka = new Kafka({ clientId: 'auditor', brokers: [...brokers], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${topic}-${readUncommitted}-${process.pid}-${performance.now()}`, readUncommitted })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: ({ message }) => {
      values.push((message.value ?? Buffer.alloc(0)).toString('latin1'))
      if (until(values)) resolve()
      return Promise.resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return values
}
