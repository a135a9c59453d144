/** What every `EventLog` must do. Adapters call this with a way to make a fresh log and to open it again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import type { AppendRecord, EventLog } from '#streams/ports.ts'

export interface EventLogFactory {
  readonly name: string
  /** A log over an empty place, with at least three partitions in `credit-events` and `decisions`. */
  create(): Promise<EventLog>
  /** Closes and opens it again over the same place. */
  reopen(log: EventLog): Promise<EventLog>
  destroy(log: EventLog): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array): string => new TextDecoder().decode(value)
const record = (partition: number, value: string): AppendRecord => ({ partition, key: bytes(`k${partition}`), value: bytes(value) })

export const eventLogContract = (factory: EventLogFactory): void => {
  describe(`event log contract: ${factory.name}`, () => {
    let log: EventLog
    beforeEach(async () => {
      log = await factory.create()
    })
    afterEach(() => factory.destroy(log))

    const all = async (partition: number, from = 0, bytesMax = 1_000_000): Promise<string[]> => {
      const out: string[] = []
      for (let next = from; next < (log.end('credit-events')[partition] as number);) {
        const page = await log.read('credit-events', partition, next, bytesMax)
        expect(page.length).toBeGreaterThan(0)
        for (const found of page) {
          expect(found.offset).toBeGreaterThanOrEqual(next)
          out.push(text(found.value))
          next = found.offset + 1
        }
      }
      return out
    }

    it('an appended record is read back with its partition, key, value and an append time', async () => {
      const [offset] = await log.append('credit-events', [record(1, 'first')])
      const [found] = await log.read('credit-events', 1, offset as number, 1)
      expect(found).toMatchObject({ partition: 1, offset })
      expect(text(found?.key as Uint8Array)).toBe('k1')
      expect(text(found?.value as Uint8Array)).toBe('first')
      expect(found?.appendedAt).toBeGreaterThan(0)
    })

    it('offsets ascend within each partition in the order of the appends', async () => {
      const a = await log.append('credit-events', [record(0, 'a'), record(1, 'b'), record(0, 'c')])
      const b = await log.append('credit-events', [record(0, 'd')])
      expect(a[2]).toBeGreaterThan(a[0] as number)
      expect(b[0]).toBeGreaterThan(a[2] as number)
      expect(await all(0)).toEqual(['a', 'c', 'd'])
      expect(await all(1)).toEqual(['b'])
    })

    it('topics do not share offsets', async () => {
      await log.append('credit-events', [record(0, 'a'), record(0, 'b')])
      const [offset] = await log.append('decisions', [record(0, 'x')])
      expect(offset).toBe(0)
      expect(log.end('decisions')[0]).toBe(1)
    })

    it('reading at the end gives nothing, and a read gives at least one record however small its limit', async () => {
      await log.append('credit-events', [record(0, 'x'.repeat(5000)), record(0, 'y')])
      expect(await log.read('credit-events', 0, 2, 1000)).toEqual([])
      expect(await log.read('credit-events', 0, 0, 1)).toHaveLength(1)
    })

    it('a reader that follows some way behind a growing log misses nothing', async () => {
      const meant = Array.from({ length: 60 }, (_, i) => `record ${i} ${'x'.repeat(i)}`)
      const seen: string[] = []
      for (const [i, value] of meant.entries()) {
        await log.append('credit-events', [record(0, value)])
        if (i >= 10) seen.push(text((await log.read('credit-events', 0, i - 10, 1))[0]?.value as Uint8Array))
      }
      expect(seen).toEqual(meant.slice(0, -10))
      expect(await all(0, 50)).toEqual(meant.slice(50))
    })

    it('reading beyond the end is refused loudly', async () => {
      await expect(log.read('credit-events', 0, 7, 1000)).rejects.toMatchObject({ code: 'log-shortened' })
    })

    it('append time never goes back within a topic', async () => {
      for (let i = 0; i < 20; i++) await log.append('credit-events', [record(i % 3, `${i}`)])
      const times: number[] = []
      for (let p = 0; p < 3; p++) times.push(...(await log.read('credit-events', p, 0, 1_000_000)).map((r) => r.appendedAt))
      const byPartition = await log.read('credit-events', 0, 0, 1_000_000)
      expect(byPartition.map((r) => r.appendedAt)).toEqual([...byPartition.map((r) => r.appendedAt)].sort((x, y) => x - y))
      expect(times.every((t) => Number.isSafeInteger(t))).toBe(true)
    })

    it('listeners hear of records that are then readable', async () => {
      const heard = new Promise<number>((resolve) => {
        const stop = log.onAppend('credit-events', () => {
          stop()
          resolve(log.end('credit-events')[2] as number)
        })
      })
      await log.append('credit-events', [record(2, 'x')])
      expect(await heard).toBe(1)
    })

    it('concurrent appends each get their own offsets and none is lost', async () => {
      const got = await Promise.all(
        Array.from({ length: 200 }, (_, i) => log.append('credit-events', [record(i % 3, `${i}`), record((i + 1) % 3, `${i}'`)])),
      )
      const flat = got.flatMap((offsets, i) => [`${i % 3}:${offsets[0]}`, `${(i + 1) % 3}:${offsets[1]}`])
      expect(new Set(flat).size).toBe(400)
      for (let i = 0; i < 200; i++) {
        const [found] = await log.read('credit-events', i % 3, (got[i] as readonly number[])[0] as number, 1)
        expect(text(found?.value as Uint8Array)).toBe(`${i}`)
      }
    })

    it('everything acknowledged is there after reopening, and offsets go on from it', async () => {
      const values = Array.from({ length: 500 }, (_, i) => `v${i}-${'z'.repeat(i)}`)
      for (const [i, value] of values.entries()) void log.append('credit-events', [record(i % 3, value)])
      await log.append('credit-events', [record(0, 'last')])
      log = await factory.reopen(log)
      expect(await all(0, 0, 10_000)).toEqual([...values.filter((_, i) => i % 3 === 0), 'last'])
      expect(await all(2, 0, 10_000)).toEqual(values.filter((_, i) => i % 3 === 2))
      const end = log.end('credit-events')[1]
      expect(await log.append('credit-events', [record(1, 'more')])).toEqual([end])
    })

    it('any interleaving of appends reads back, from any offset, as each partition saw it', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.tuple(fc.nat(2), fc.string({ maxLength: 40 })), { maxLength: 5 }), { maxLength: 12 }),
          fc.nat(100),
          async (groups, where) => {
            const before = [...log.end('credit-events')]
            await Promise.all(
              groups.map((group) =>
                log.append(
                  'credit-events',
                  group.map(([p, v]) => record(p, v)),
                ),
              ),
            )
            for (let p = 0; p < 3; p++) {
              const expected = groups
                .flat()
                .filter(([q]) => q === p)
                .map(([, v]) => v)
              const from = Math.min(where, expected.length)
              expect(await all(p, (before[p] as number) + from, 64)).toEqual(expected.slice(from))
            }
          },
        ),
        { numRuns: 30 },
      )
    })
  })
}
