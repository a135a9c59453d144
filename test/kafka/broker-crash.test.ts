import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { kafkaServer, startBroker } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const server = await kafkaServer()
const CRASHES = 3
/** The controller forgets a dead broker soon, so that it may come back; what is acknowledged is on disk. */
const QUICK = ['log.flush.interval.messages=1', 'broker.session.timeout.ms=1000', 'broker.heartbeat.interval.ms=200']

it.skipIf(server.kind === 'absent' || server.classPath === undefined)(
  'through crashes of the broker, what is appended is acknowledged once, lies there once, in order, and readers go on',
  { timeout: 150_000, retry: 0 },
  async () => {
    const broker = await startBroker({ name: 'kafka-crashing', properties: QUICK })
    const settings = testSettings([broker.address])
    const log = await openKafkaLog({ settings, partitions: 3, logger: silentLogger })
    const sent: string[][] = [[], [], []]
    let stop = false
    let sentAll = false
    const offsets: number[] = []
    const sending = [0, 1, 2].map(async (partition) => {
      for (let i = 0; !stop; i++) {
        const values = [`${i}a`, `${i}b`]
        const got = await log.append(
          'credit-events',
          values.map((value) => ({ partition, key: Buffer.from('k'), value: Buffer.from(value) })),
        )
        sent[partition]?.push(...values)
        offsets.push(...got)
      }
    })
    const seen: string[][] = [[], [], []]
    const reading = [0, 1, 2].map(async (partition) => {
      let next = 0
      while (!sentAll || next < (log.end('credit-events')[partition] as number)) {
        const page = await log.read('credit-events', partition, next, 10_000)
        for (const record of page) {
          seen[partition]?.push(Buffer.from(record.value).toString())
          next = record.offset + 1
        }
        if (page.length === 0) await delay(5)
      }
    })
    for (let i = 0; i < CRASHES; i++) {
      const before = offsets.length
      await expect.poll(() => offsets.length > before + 200, { timeout: 30_000 }).toBe(true)
      await broker.kill()
      await delay(200)
      await broker.start()
    }
    const before = offsets.length
    await expect.poll(() => offsets.length > before + 200, { timeout: 30_000 }).toBe(true)
    stop = true
    await Promise.all(sending)
    sentAll = true
    await Promise.all(reading)
    expect(seen).toEqual(sent)
    await log.close()
    await broker.kill()
  },
)
