import { describe, expect, it } from 'vitest'
import { KafkaCluster } from '#streams/kafka/cluster.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import type { AppendRecord } from '#streams/ports.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const server = await kafkaServer()
const record = (partition: number, value: string): AppendRecord => ({ partition, key: Buffer.from('k'), value: Buffer.from(value) })

if (server.kind === 'absent') it.skip(`event log on Kafka (${server.reason})`, () => {})
else
  describe('event log on Kafka', () => {
    const open = (settings = testSettings(server.brokers), changes: object = {}) =>
      openKafkaLog({ settings, partitions: 4, logger: silentLogger, ...changes })

    it('what another process appends is heard of and read, whether or not the partition was read before', async () => {
      const settings = testSettings(server.brokers)
      const [reader, writer] = [await open(settings), await open(settings)]
      await reader.read('credit-events', 0, 0, 100)
      for (const partition of [0, 3, 0, 3]) {
        const before = reader.end('credit-events')[partition] as number
        const heard = new Promise<void>((resolve) => {
          const stop = reader.onAppend('credit-events', () => {
            if ((reader.end('credit-events')[partition] as number) === before) return
            stop()
            resolve()
          })
        })
        await writer.append('credit-events', [record(partition, `${before}`)])
        await heard
        expect(await reader.read('credit-events', partition, before, 100)).toHaveLength(1)
      }
      await Promise.all([reader.close(), writer.close()])
    })

    it('asked to, it knows at once of what another process appended', async () => {
      const settings = testSettings(server.brokers)
      const [reader, writer] = [await open(settings), await open(settings)]
      await writer.append('decisions', [record(2, 'a'), record(2, 'b')])
      expect(reader.end('decisions')[2]).toBe(0)
      await reader.refresh('decisions', [2])
      expect(reader.end('decisions')[2]).toBe(2)
      await Promise.all([reader.close(), writer.close()])
    })

    it('a reader that stands before what retention left is told so', async () => {
      const settings = testSettings(server.brokers)
      const log = await open(settings)
      await log.append(
        'credit-events',
        Array.from({ length: 10 }, (_, i) => record(1, `${i}`)),
      )
      const cluster = new KafkaCluster(settings)
      await cluster.admin.deleteRecords({
        topics: [{ name: `${settings.topicPrefix}credit-events`, partitions: [{ partition: 1, offset: 6n }] }],
      })
      await cluster.close()
      await expect(log.read('credit-events', 1, 2, 100)).rejects.toMatchObject({ code: 'log-shortened' })
      expect(log.start('credit-events')[1]).toBe(6)
      expect(await log.read('credit-events', 1, 6, 10_000)).toHaveLength(4)
      await log.close()
    })

    it('readers far apart each get every record, with little memory to read into', async () => {
      const log = await open(undefined, { readBytesMax: 1 })
      const values = Array.from({ length: 4_000 }, (_, i) => `${i}-${'x'.repeat(300)}`)
      for (let at = 0; at < values.length; at += 500)
        await log.append(
          'credit-events',
          values.slice(at, at + 500).map((value) => record(0, value)),
        )
      const positions = [0, 700, 1_400, 2_100, 2_800, 3_999]
      const read = await Promise.all(
        positions.map(async (from) => {
          const out: string[] = []
          for (let next = from; next < values.length;)
            for (const found of await log.read('credit-events', 0, next, 3_000)) {
              out.push(Buffer.from(found.value).toString())
              next = found.offset + 1
            }
          return out
        }),
      )
      for (const [i, from] of positions.entries()) expect(read[i]).toEqual(values.slice(from))
      await log.close()
    })

    it('more than may wait for its acknowledgement is refused, and nothing of it is appended', async () => {
      const log = await open(undefined, { queueBytesMax: 10_000 })
      const first = log.append('credit-events', [record(0, 'x'.repeat(9_000))])
      await expect(log.append('credit-events', [record(0, 'y'.repeat(2_000))])).rejects.toMatchObject({ code: 'overloaded' })
      await first
      await log.append('credit-events', [record(0, 'z')])
      expect(log.end('credit-events')[0]).toBe(2)
      await log.close()
    })

    it('a record too large to travel is refused before anything is appended', async () => {
      const log = await open()
      const records = [record(0, 'small'), record(0, 'x'.repeat(1_100_000))]
      await expect(log.append('credit-events', records)).rejects.toMatchObject({ code: 'record-too-large' })
      expect(log.end('credit-events')[0]).toBe(0)
      await log.close()
    })
  })
