import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openEventLog, topicPartitions, type EmbeddedEventLog, type EmbeddedLogOptions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { writeFully } from '#streams/embedded/topic-writer.ts'
import { silentLogger, type Logger } from '#streams/logger.ts'
import { epochMs } from '#schemas/units.ts'

let folder: string
let notes: string[]
let now: number
const logger: Logger = { ...silentLogger, warn: (_, message) => notes.push(message) }
const topicFolder = () => join(folder, 'credit-events')
const lastSegment = () =>
  join(
    topicFolder(),
    readdirSync(topicFolder())
      .filter((name) => name.endsWith('.seg'))
      .sort()
      .at(-1) as string,
  )

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'))
  notes = []
  now = 1_700_000_000_000
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (more: Partial<EmbeddedLogOptions> = {}): EmbeddedEventLog =>
  openEventLog({
    folder,
    partitions: topicPartitions(2),
    clock: { now: () => epochMs(now++) },
    durability: 'process-kill',
    logger,
    ...more,
  })
const put = (log: EmbeddedEventLog, partition: number, text: string) =>
  log.append('credit-events', [{ partition, key: Buffer.from('k'), value: Buffer.from(text) }])
const values = async (log: Pick<EmbeddedEventLog, 'read'>, partition: number, from = 0) =>
  (await log.read('credit-events', partition, from, 1e9)).map((r) => Buffer.from(r.value).toString())

it('a torn tail of any length is cut with a note, and the whole records before it stay', async () => {
  const log = open()
  await put(log, 0, 'kept')
  const keptBytes = statSync(lastSegment()).size
  await put(log, 0, 'torn, as if never acknowledged')
  const whole = statSync(lastSegment()).size
  await log.close()
  const original = readFileSync(lastSegment())
  for (let cut = keptBytes + 1; cut < whole; cut += 3) {
    writeFileSync(lastSegment(), original.subarray(0, cut))
    notes = []
    const again = open()
    expect(await values(again, 0)).toEqual(['kept'])
    expect(notes).toEqual([expect.stringContaining('torn tail')])
    expect(await put(again, 0, 'after')).toEqual([1])
    await again.close()
  }
})

it('zeros after the last record, as a preallocating file system leaves, are no damage', async () => {
  const log = open()
  await put(log, 1, 'a')
  await log.close()
  appendFileSync(lastSegment(), Buffer.alloc(10_000))
  const again = open()
  expect(await values(again, 1)).toEqual(['a'])
  await again.close()
})

it('a damaged byte before whole records stops the engine and names file, byte and remedy', async () => {
  const log = open()
  for (let i = 0; i < 5; i++) await put(log, 0, `record ${i}`)
  await log.close()
  const data = readFileSync(lastSegment())
  const at = data.indexOf('record 2')
  data[at] = 0x21
  writeFileSync(lastSegment(), data)
  expect(() => open()).toThrow(
    expect.objectContaining({
      code: 'log-corrupt',
      message: expect.stringMatching(/credit-events\/0+\.seg is damaged at byte \d+.*CRC-32.*Restore this file/s) as string,
    }) as Error,
  )
})

it('damage in a sealed segment is found when it is read', async () => {
  const log = open({ segmentBytesMax: 300, tailBytesMax: 100 })
  for (let i = 0; i < 30; i++) await put(log, 0, `record ${i}`)
  await log.close()
  const first = join(topicFolder(), '000000000000.seg')
  const data = readFileSync(first)
  data[data.indexOf('record 0')] = 0x21
  writeFileSync(first, data)
  const again = open({ segmentBytesMax: 300, tailBytesMax: 100 })
  await expect(again.read('credit-events', 0, 0, 1000)).rejects.toMatchObject({ code: 'log-corrupt' })
  expect(await values(again, 0, 25)).toContain('record 25')
  await again.close()
})

it('a missing segment in the middle stops the engine', async () => {
  const log = open({ segmentBytesMax: 300 })
  for (let i = 0; i < 30; i++) await put(log, 0, `record ${i}`)
  await log.close()
  rmSync(join(topicFolder(), '000000000001.seg'))
  expect(() => open()).toThrow(/segments between them are missing/)
})

it('an index that is lost or damaged is rebuilt', async () => {
  const log = open({ segmentBytesMax: 300, tailBytesMax: 100 })
  for (let i = 0; i < 30; i++) await put(log, 0, `record ${i}`)
  await log.close()
  rmSync(join(topicFolder(), '000000000000.idx'))
  truncateSync(join(topicFolder(), '000000000001.idx'), 9)
  const again = open({ tailBytesMax: 100 })
  expect(await values(again, 0)).toEqual(Array.from({ length: 30 }, (_, i) => `record ${i}`))
  await again.close()
})

it('a full disk refuses the append as retryable, keeps nothing of it, and the log lives on', async () => {
  let room = 2000
  const log = open({
    write: (fd, buffer, position) => {
      if (buffer.length > room) {
        writeFully(fd, buffer.subarray(0, room), position)
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      }
      room -= buffer.length
      writeFully(fd, buffer, position)
    },
  })
  await put(log, 0, 'before')
  await expect(put(log, 0, 'x'.repeat(5000))).rejects.toMatchObject({ name: 'RetryableFailure', code: 'disk-full' })
  expect(log.end('credit-events')).toEqual([1, 0])
  expect(await put(log, 0, 'small')).toEqual([1])
  room = 1e6
  expect(await put(log, 0, 'y'.repeat(5000))).toEqual([2])
  await log.close()
  const again = open()
  expect((await values(again, 0)).map((v) => v.length)).toEqual([6, 5, 5000])
  expect(notes).toEqual([])
  await again.close()
})

it('append time stays monotone over a clock that goes back and a restart', async () => {
  const log = open()
  now = 5000
  await put(log, 0, 'a')
  now = 100
  await put(log, 0, 'b')
  await log.close()
  const again = open()
  await put(again, 0, 'c')
  const times = (await again.read('credit-events', 0, 0, 1e6)).map((r) => r.appendedAt)
  expect(times).toEqual([5000, 5000, 5000])
  await again.close()
})

it('a follower in the same directory sees every record once written, over segment changes, and can release', async () => {
  const log = open({ segmentBytesMax: 400, retention: { 'credit-events': { bytesMax: 0, consumers: ['warehouse', 'state'] } } })
  const follower = openReadOnly({ folder, partitions: topicPartitions(2), topics: ['credit-events'], pollMs: 1000, tailBytesMax: 200 })
  for (let i = 0; i < 40; i++) {
    await put(log, i % 2, `r${i}`)
    follower.poll()
    expect(follower.end('credit-events')).toEqual(log.end('credit-events'))
  }
  expect(await values(follower, 1)).toEqual(Array.from({ length: 20 }, (_, i) => `r${2 * i + 1}`))
  expect(log.retain('credit-events')).toBe(0)
  log.release('credit-events', 'state', [20, 20])
  expect(log.retain('credit-events')).toBe(0)
  follower.release('credit-events', 'warehouse', [20, 3])
  await follower.close()
  expect(log.retain('credit-events')).toBeGreaterThan(0)
  expect(log.start('credit-events')[1]).toBeLessThanOrEqual(3)
  await expect(log.read('credit-events', 0, 0, 100)).rejects.toMatchObject({ code: 'log-shortened' })
  expect(await values(log, 1, 3)).toHaveLength(17)
  await log.close()
})

it('a follower waits before a frame that is still being written', async () => {
  const log = open()
  await put(log, 0, 'whole')
  await log.close()
  const whole = readFileSync(lastSegment())
  const again = open()
  await put(again, 0, 'in progress')
  await again.close()
  const both = readFileSync(lastSegment())
  writeFileSync(lastSegment(), both.subarray(0, whole.length + 20))
  const follower = openReadOnly({ folder, partitions: topicPartitions(2), topics: ['credit-events'], pollMs: 1000 })
  expect(await values(follower, 0)).toEqual(['whole'])
  writeFileSync(lastSegment(), both)
  follower.poll()
  expect(await values(follower, 0)).toEqual(['whole', 'in progress'])
  await follower.close()
})
