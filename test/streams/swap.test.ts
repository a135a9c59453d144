/** Exchanging the decider of an engine that is at work. */
import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SwappableDecider, swapBetweenBatches } from '#streams/swappable-decider.ts'
import {
  application,
  closeWorld,
  decisionsIn,
  newFolder,
  openWorld,
  PARTITIONS,
  payment,
  put,
  T0,
  tinyDecider,
  type World,
} from './support/embedded.ts'

const measured = (salt: number) => ({ ...tinyDecider(salt), lastStages: { scoreUs: 1, explainUs: 2, policyUs: 3 } })
const EVENTS = 4_000
let folder: string
let world: World
beforeEach(() => (folder = newFolder()))
afterEach(async () => {
  await closeWorld(world)
  rmSync(folder, { recursive: true })
})

it('fifty exchanges under load lose no event, decide none twice, and each takes effect at the very offsets it names', async () => {
  const decider = new SwappableDecider(measured(1))
  world = openWorld(folder, { now: () => T0 + EVENTS * 1_000, parts: { decider, settings: { batchRecordsMax: 16 } } })
  await world.engine.start()
  const sending = (async () => {
    for (let n = 0; n < EVENTS; n += 20) {
      await put(
        world.log,
        ...Array.from({ length: 20 }, (_, i) => [payment(`c${(n + i) % 31}`, n + i), application(`c${(n + i) % 31}`, n + i)]).flat(),
      )
      if (n % 400 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const swaps: { readonly version: string; readonly offsets: ReadonlyMap<number, number> }[] = []
  for (let salt = 2; salt <= 51; salt++) {
    await new Promise((resolve) => setTimeout(resolve, salt % 3))
    swaps.push({ version: `tiny@${salt}`, offsets: await swapBetweenBatches(world.engine, decider, measured(salt)) })
  }
  await sending
  await world.engine.drain()
  const decisions = await decisionsIn(world.log)
  expect(decisions).toHaveLength(EVENTS)
  expect(new Set(decisions.map(({ body }) => body.eventId)).size).toBe(EVENTS)
  for (const { body } of decisions) {
    const last = swaps.findLast(({ offsets }) => offsets.get(body.partition)! <= body.offset)
    expect(body.modelVersion, `${body.partition}-${body.offset}`).toBe(last?.version ?? 'tiny@1')
  }
  // The exchanges were spread over the work, not all before or after it.
  expect(new Set(decisions.map(({ body }) => body.modelVersion)).size).toBeGreaterThan(10)
  expect(swaps[0]?.offsets.size).toBe(PARTITIONS)
})

it('an idle engine exchanges at once, and a model of another feature set is refused and leaves the present one deciding', async () => {
  const decider = new SwappableDecider(measured(1))
  world = openWorld(folder, { parts: { decider } })
  await world.engine.start()
  await swapBetweenBatches(world.engine, decider, measured(2))
  await expect(swapBetweenBatches(world.engine, decider, { ...measured(3), featureSetHash: 'f'.repeat(64) })).rejects.toThrow(
    'was trained on feature set ffffffffffff',
  )
  await put(world.log, application('c1', 1))
  await world.engine.drain()
  expect((await decisionsIn(world.log)).map(({ body }) => body.modelVersion)).toEqual(['tiny@2'])
})
