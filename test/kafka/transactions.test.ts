/** Decisions published in transactions, on a real broker, through the ends of those who publish them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { epochMs } from '#schemas/units.ts'
import { encodeClaim, peekDecision } from '#schemas/wire.ts'
import { type KafkaEventLog, openKafkaLog } from '#streams/kafka/event-log.ts'
import type { KafkaSettings } from '#streams/kafka/settings.ts'
import { silentLogger } from '#streams/logger.ts'
import type { AppendRecord } from '#streams/ports.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { readTopic } from './committed.ts'
import { testSettings } from './settings.ts'

const server = await kafkaServer()
const PARTITIONS = 2
const record = (partition: number, value: string | Uint8Array): AppendRecord => ({
  partition,
  key: Buffer.from('k'),
  value: Buffer.from(value),
})
const claim = (owner: string) => encodeClaim({ owner, claimedAt: epochMs(0) })

/** Claims by their name, everything else as it is. */
const shown = (value: Uint8Array): string => (peekDecision(value).kind === 'claim' ? 'claim' : Buffer.from(value).toString())

const valuesOf = async (log: KafkaEventLog, partition: number): Promise<string[]> => {
  await log.refresh('decisions', [partition])
  const out: string[] = []
  for (let next = 0; ;) {
    const page = await log.read('decisions', partition, next, 1_000)
    out.push(...page.map(({ value }) => shown(value)))
    const last = page.at(-1)
    if (last === undefined) return out
    next = last.offset + 1
  }
}

/** Runs the child until it ends itself at a commit; the offsets of what it saw acknowledged. */
const endedAt = async (settings: KafkaSettings, moment: 'before' | 'sent'): Promise<readonly number[]> => {
  const script = join(import.meta.dirname, 'publisher-child.ts')
  const given = JSON.stringify({ settings, partitions: PARTITIONS, partition: 0 })
  const child = spawn(process.execPath, ['--import', join(import.meta.dirname, 'end-at-commit-child.ts'), script, given], {
    env: { ...process.env, END_AT_COMMIT: moment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return said.trim().split('\n').map(Number)
}

if (server.kind === 'absent') it.skip(`transactions on Kafka (${server.reason})`, () => {})
else
  describe('decisions published in transactions', { timeout: 60_000 }, () => {
    const transactional = () => testSettings(server.brokers, { transactionalDecisions: true })
    const open = (settings: KafkaSettings) => openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })

    it('are read once, in order, at the offsets told, past marks that nobody waits for', async () => {
      const settings = transactional()
      const log = await open(settings)
      await log.append('decisions', [record(0, claim('a')), record(1, claim('a'))])
      const offsets: number[] = []
      for (let n = 0; n < 5; n++)
        offsets.push(...(await log.append('decisions', [record(0, `${n}a`), record(1, `${n}`), record(0, `${n}b`)])))
      expect(await valuesOf(log, 0)).toEqual(['claim', ...[0, 1, 2, 3, 4].flatMap((n) => [`${n}a`, `${n}b`])])
      expect(await valuesOf(log, 1)).toEqual(['claim', '0', '1', '2', '3', '4'])
      const [first, , second] = offsets
      expect((await log.read('decisions', 0, first as number, 1_000)).slice(0, 2).map(({ offset }) => offset)).toEqual([first, second])
      // Behind the last record lies its transaction's mark, which is no record to come once a reader has seen it.
      const end = (offsets.at(-1) as number) + 1
      const seenToEnd = async () => [(await log.read('decisions', 0, end, 1_000)).length, log.end('decisions')[0]]
      await expect.poll(seenToEnd, { timeout: 10_000 }).toEqual([0, end])
      await log.close()
    })

    it('what was never committed is aborted by the next claim and read by nobody; what it holds up is read at once', async () => {
      const settings = transactional()
      // The claim commits first, two decisions after it, and the third never does.
      const acknowledged = await endedAt(settings, 'before')
      expect(acknowledged).toHaveLength(3)
      const successor = await open(settings)
      // What was acknowledged is readable once its mark is written.
      await expect.poll(() => valuesOf(successor, 0), { timeout: 10_000 }).toEqual(['claim', 'child 1', 'child 2'])
      await successor.append('decisions', [record(0, claim('successor'))])
      await successor.append('decisions', [record(0, 'child 3')])
      const once3 = ['claim', 'child 1', 'child 2', 'claim', 'child 3']
      expect(await valuesOf(successor, 0)).toEqual(once3)
      await successor.close()
      const topic = `${settings.topicPrefix}decisions`
      const counted = (values: readonly string[]) => values.filter((value) => value === 'child 3').length
      const uncommitted = await readTopic(server.brokers, topic, { readUncommitted: true, until: (values) => values.length === 6 })
      expect(counted(uncommitted)).toBe(2)
      const committed = await readTopic(server.brokers, topic, { readUncommitted: false, until: (values) => values.length === 5 })
      expect(counted(committed)).toBe(1)
    })

    it('a commit that left before its sender ended is settled by the next claim, for good', async () => {
      const settings = transactional()
      expect(await endedAt(settings, 'sent')).toHaveLength(3)
      const successor = await open(settings)
      await successor.append('decisions', [record(0, claim('successor'))])
      const found = await valuesOf(successor, 0)
      expect([
        ['claim', 'child 1', 'child 2', 'child 3', 'claim'],
        ['claim', 'child 1', 'child 2', 'claim'],
      ]).toContainEqual(found)
      await successor.append('decisions', [record(0, 'next')])
      expect(await valuesOf(successor, 0)).toEqual([...found, 'next'])
      await successor.close()
    })

    it('an owner that was succeeded appends behind its successor’s claim, where nobody believes it, and disturbs it not', async () => {
      const settings = transactional()
      const [zombie, successor] = [await open(settings), await open(settings)]
      await zombie.append('decisions', [record(0, claim('zombie'))])
      await zombie.append('decisions', [record(0, 'z1')])
      await successor.append('decisions', [record(0, claim('successor'))])
      await successor.append('decisions', [record(0, 's1')])
      await Promise.all([zombie.append('decisions', [record(0, 'z2')]), successor.append('decisions', [record(0, 's2')])])
      await successor.append('decisions', [record(0, 's3')])
      const found = await valuesOf(successor, 0)
      expect(found.slice(0, 4)).toEqual(['claim', 'z1', 'claim', 's1'])
      expect(found.slice(4).toSorted()).toEqual(['s2', 's3', 'z2'])
      // The partition comes back to it: a claim of its own, and the other is the one succeeded.
      await zombie.append('decisions', [record(0, claim('zombie'))])
      await zombie.append('decisions', [record(0, 'z4')])
      expect((await valuesOf(zombie, 0)).slice(7)).toEqual(['claim', 'z4'])
      await Promise.all([zombie.close(), successor.close()])
    })

    it('pieces of a call that do not fit one batch, and calls at once, keep their order and their offsets', async () => {
      const log = await open(transactional())
      await log.append('decisions', [record(0, claim('a'))])
      const large = Array.from({ length: 7 }, (_, n) => record(0, `${n}${'x'.repeat(300_000)}`))
      const [many, one] = await Promise.all([log.append('decisions', large), log.append('decisions', [record(0, 'small')])])
      for (const [n, offset] of [...many, ...one].entries()) {
        const [read] = await log.read('decisions', 0, offset, 1)
        expect([read?.offset, shown(read?.value ?? Buffer.alloc(0)).slice(0, 1)]).toEqual([offset, n === 7 ? 's' : `${n}`])
      }
      expect([...many, ...one]).toEqual([...many, ...one].toSorted((a, b) => a - b))
      await log.close()
    })

    it('a closed log refuses what comes after', async () => {
      const log = await open(transactional())
      await log.append('decisions', [record(0, claim('a'))])
      await log.close()
      await expect(log.append('decisions', [record(0, 'late')])).rejects.toMatchObject({ code: 'closed' })
    })
  })
