import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DecisionBody } from '#schemas/decision.ts'
import { encodeDecision } from '#schemas/wire.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import { replayDecision, type ReplayParts } from '#streams/replay.ts'
import { verifyChain } from '#streams/verify-chain.ts'
import {
  application,
  closeWorld,
  decisionsIn,
  newFolder,
  openWorld,
  payment,
  PARTITIONS,
  put,
  tinyDecider,
  tinyFeatureSet,
  type World,
} from './support/embedded.ts'

let folder: string
let ids: string[]
beforeEach(async () => {
  folder = newFolder()
  const world = openWorld(folder)
  await world.engine.start()
  for (let n = 0; n < 30; n++) await put(world.log, payment(`c${n % 4}`, n), payment(`c${n % 4}`, n), application(`c${n % 3}`, n))
  await world.engine.drain()
  ids = (await decisionsIn(world.log)).map((d) => `${d.body.partition}-${d.body.offset}`)
  await closeWorld(world)
})
afterEach(() => rmSync(folder, { recursive: true }))

const readOnly = () =>
  openReadOnly({
    folder: join(folder, 'log'),
    partitions: topicPartitions(PARTITIONS),
    topics: ['credit-events', 'decisions', 'dead-letters'],
    pollMs: 100_000,
    tailBytesMax: 1,
  })
const replay = async (id: string, more: Partial<ReplayParts> = {}) => {
  const log = readOnly()
  const result = await replayDecision(id, {
    log,
    featureSet: tinyFeatureSet,
    decider: tinyDecider(),
    time: PIPELINE_DEFAULTS.time,
    dedupe: PIPELINE_DEFAULTS.dedupe,
    ...more,
  })
  await log.close()
  return result
}
const causes = async (id: string, more: Partial<ReplayParts> = {}) => {
  const result = await replay(id, more)
  return result.kind === 'different' ? result.differences.map((d) => d.cause) : result.kind
}
const file = (topic: string) =>
  join(folder, 'log', topic, readdirSync(join(folder, 'log', topic)).find((name) => name.endsWith('.seg')) as string)
/** Changes bytes found by their text, and, to get past the first line of defence, mends the checksum of the frame they lie in. */
const tamper = (topic: string, find: string | Buffer, change: string | Buffer, mendFrame: boolean): void => {
  const data = readFileSync(file(topic))
  const at = data.indexOf(find)
  expect(at).toBeGreaterThan(0)
  data.set(Buffer.from(change), at)
  const frame = data.lastIndexOf('SSL1', at)
  if (mendFrame) data.writeUInt32LE(crc32(data.subarray(frame + 12, frame + 32 + data.readUInt32LE(frame + 4))), frame + 8)
  writeFileSync(file(topic), data)
}

it('every decision is reproduced bit for bit from the log alone', async () => {
  expect(ids).toHaveLength(30)
  for (const id of ids) expect(await replay(id)).toMatchObject({ kind: 'same' })
})

it('a damaged event is named as data', async () => {
  tamper('credit-events', 'pay-c1-1', 'pay-c1-X', false)
  const result = await replay(ids.at(-1) as string)
  expect(result).toMatchObject({
    kind: 'different',
    differences: [{ cause: 'data', detail: expect.stringMatching(/credit-events.*is damaged at byte/) }],
  })
})

it('a changed application is named as data even where its frame checks', async () => {
  const world = openWorld(folder)
  const { body } = (await decisionsIn(world.log)).at(-1) as { body: DecisionBody }
  await closeWorld(world)
  tamper('credit-events', body.applicationId, body.applicationId.toLowerCase(), true)
  expect(await causes(`${body.partition}-${body.offset}`)).toContain('data')
})

it('another model, another policy and other numbers are told apart', async () => {
  const id = ids[5] as string
  const base = tinyDecider()
  const variant = (change: object) => ({
    ...base,
    decide: (...args: Parameters<typeof base.decide>) => ({ ...base.decide(...args), ...change }),
  })
  expect(await causes(id, { decider: variant({ bundleHash: 'c'.repeat(64), margin: 7 }) })).toEqual(['model'])
  expect(await causes(id, { decider: variant({ policyVersion: 'tiny@111111111111' }) })).toEqual(['policy'])
  expect(await causes(id, { decider: variant({ degraded: 'scorecard' }) })).toEqual(['degrade'])
  expect(await causes(id, { decider: variant({ margin: 1e-9 }) })).toEqual(['runtime'])
  expect(
    await causes(id, {
      decider: {
        ...base,
        decide: () => {
          throw new Error('no library')
        },
      },
    }),
  ).toEqual(['runtime'])
})

it('a changed earlier event is named as data even where its frame checks, for other applicants refold as they did', async () => {
  const id = ids.at(-1) as string
  const { applicantId } = ((await replay(id)) as { stored: { body: DecisionBody } }).stored.body
  tamper('credit-events', `pay-${applicantId}-1`, `pay-${applicantId}-X`, true)
  tamper('credit-events', `pay-${applicantId}-2`, `pay-${applicantId}-X`, true)
  expect(await replay(id)).toMatchObject({
    differences: [{ cause: 'data', detail: expect.stringMatching(/other applicants refold as they did/) }],
  })
})

it('changed feature code is named as feature, for other applicants come out differently too', async () => {
  const id = ids.at(-1) as string
  expect(
    await causes(id, {
      featureSet: {
        ...tinyFeatureSet,
        vector: (s, a, out, at) => {
          tinyFeatureSet.vector(s, a, out, at)
          out[at] = -1
        },
      },
    }),
  ).toEqual(['feature'])
})

it('a changed decision is named as chain, by replay and by the walk over the partition', async () => {
  const world: World = openWorld(folder)
  const decisions = await decisionsIn(world.log)
  const victim = decisions.at(-1) as (typeof decisions)[number]
  const sound = await Promise.all([0, 1, 2].map((p) => verifyChain(world.log, p)))
  expect(sound.flatMap((r) => r.faults)).toEqual([])
  expect(sound.reduce((n, r) => n + r.decisions, 0)).toBe(30)
  await closeWorld(world)
  const forged = { ...victim, body: { ...victim.body, applicationId: `B${victim.body.applicationId.slice(1)}` } }
  tamper('decisions', Buffer.from(encodeDecision(victim)), Buffer.from(encodeDecision(forged)), true)
  expect(await causes(`${victim.body.partition}-${victim.body.offset}`)).toContain('chain')
  const log = readOnly()
  expect((await verifyChain(log, victim.body.partition)).faults).toMatchObject([{ code: 'hash' }])
  await log.close()
})

it('an id that names no decision is said to be absent', async () => {
  expect(await replay('0-99999')).toMatchObject({ kind: 'absent' })
  expect(await replay('nonsense')).toMatchObject({ kind: 'absent', detail: expect.stringContaining('3-1204') })
})
