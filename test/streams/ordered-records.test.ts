import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OrderedRecords } from '#streams/monitoring/ordered-records.ts'
import type { Topic } from '#streams/ports.ts'
import { MemoryLog } from '../gateway/memory-log.ts'

const TOPICS: readonly Topic[] = ['credit-events', 'decisions']
const PARTITIONS = 3

/** A memory log whose records carry the append times given. */
class TimedLog extends MemoryLog {
  readonly #times = new Map<string, number>()
  append1(topic: Topic, partition: number, at: number): void {
    this.#times.set(`${topic} ${partition} ${this.put(topic, partition, Buffer.alloc(70_000))}`, at)
  }
  override async read(topic: Topic, partition: number, offset: number, bytesMax: number) {
    const records = await super.read(topic, partition, offset, bytesMax)
    return records.map((record) => ({
      ...record,
      appendedAt: (this.#times.get(`${topic} ${partition} ${record.offset}`) ?? 0) as typeof record.appendedAt,
    }))
  }
}

const appended = fc.array(fc.record({ topic: fc.constantFrom(...TOPICS), partition: fc.nat(PARTITIONS - 1), wait: fc.nat(3) }), {
  maxLength: 60,
})

const name = ({ topic, record }: { topic: Topic; record: { partition: number; offset: number } }): string =>
  `${topic} ${record.partition}-${record.offset}`

test('whatever the rhythm of reading, stopping and going on, the order is that of append time, topic and partition', async () => {
  await fc.assert(
    fc.asyncProperty(
      appended,
      fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 40 }),
      async (records, rhythm) => {
        const log = new TimedLog(PARTITIONS)
        let now = 10_000
        const times: number[] = []
        for (const { wait } of records) times.push((now += wait))
        const expected = records
          .map(({ topic, partition }, i) => ({ topic, partition, at: times[i]!, i }))
          .toSorted((a, b) => a.at - b.at || TOPICS.indexOf(a.topic) - TOPICS.indexOf(b.topic) || a.partition - b.partition || a.i - b.i)
        const offsets = new Map<string, number>()
        const wanted = expected.map(({ topic, partition }) => {
          const offset = offsets.get(`${topic} ${partition}`) ?? 0
          offsets.set(`${topic} ${partition}`, offset + 1)
          return `${topic} ${partition}-${offset}`
        })
        let clock = 10_000
        let sent = 0
        let ordered = new OrderedRecords({ log, topics: TOPICS, from: {}, at: 0, now: () => clock })
        const got: string[] = []
        const beat = async (advance: number, max: number) => {
          clock += advance
          for (; sent < records.length && times[sent]! <= clock; sent++)
            log.append1(records[sent]!.topic, records[sent]!.partition, times[sent]!)
          got.push(...(await ordered.next(max)).map(name))
          ordered = new OrderedRecords({ log, topics: TOPICS, from: ordered.positions(), at: ordered.at, now: () => clock })
        }
        for (const [advance, max] of rhythm) await beat(advance, max)
        clock = now + 5_000
        for (let round = 0; round < 200 && got.length < wanted.length; round++) await beat(0, 7)
        expect(got).toEqual(wanted)
        expect(ordered.lag()).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
})

test('log time passes while nothing comes, and never falls', async () => {
  const log = new TimedLog(PARTITIONS)
  let now = 10_000
  const ordered = new OrderedRecords({ log, topics: TOPICS, from: {}, at: 0, now: () => now })
  await ordered.next(10)
  expect(ordered.at).toBe(9_750)
  now = 20_000
  await ordered.next(10)
  expect(ordered.at).toBe(19_750)
  log.append1('decisions', 1, 15_000)
  const late = await ordered.next(10)
  expect(late.map(({ at }) => at)).toEqual([19_750])
})
