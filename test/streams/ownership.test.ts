import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { epochMs } from '#schemas/units.ts'
import type { Engine } from '#streams/engine.ts'
import { createEngine } from '#streams/engine.ts'
import { findDecision } from '#streams/find-decision.ts'
import { findOriginal } from '#streams/find-original.ts'
import { DecisionFollower } from '#streams/follow-decisions.ts'
import { Ingest } from '#streams/ingest.ts'
import { silentLogger } from '#streams/logger.ts'
import { realPauses } from '#streams/pipeline/pauses.ts'
import { RecentDecisions } from '#streams/recent-decisions.ts'
import { verifyChain } from '#streams/verify-chain.ts'
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
  tinyFeatureSet,
  type World,
} from './support/embedded.ts'
import { handOwnership, type HandOwnership } from './support/hand-ownership.ts'

const ALL = [0, 1, 2]
const FAST = { retakeAfterMs: 1, commitAfterMs: 5 }
let folder: string
let world: World
let hand: HandOwnership
let other: Engine
let otherHand: HandOwnership

/** Two engines over one log and one store; nobody owns anything yet. */
beforeEach(async () => {
  folder = newFolder()
  hand = handOwnership()
  otherHand = handOwnership()
  world = openWorld(folder, { parts: { ownership: hand, settings: FAST } })
  other = createEngine({
    log: world.log,
    state: world.state,
    featureSet: tinyFeatureSet,
    decider: tinyDecider(7),
    clock: { now: () => epochMs(T0 + 1_000_000) },
    monotonicUs: () => performance.now() * 1000,
    logger: silentLogger,
    owner: 'other',
    host: 'other',
    runtime: 'test',
    ownership: otherHand,
    settings: FAST,
    onStopped: (failure) => world.failures.push(failure),
  })
  await world.engine.start()
  await other.start()
})
afterEach(async () => {
  await other.stop()
  await closeWorld(world)
  rmSync(folder, { recursive: true })
})
const soundChains = async () => {
  for (const partition of ALL) expect((await verifyChain(world.log, partition)).faults).toEqual([])
}

it('an engine that owns nothing folds nothing, and begins where it is told to', async () => {
  await put(world.log, application('c1', 1), application('c2', 1), application('c3', 1))
  expect(world.engine.counters.events).toEqual({})
  await hand.listener.assigned(ALL)
  await world.engine.caughtUp()
  expect(await decisionsIn(world.log)).toHaveLength(3)
  expect([...world.engine.positions().keys()]).toEqual(ALL)
})

it('what is revoked is committed within the call, and the next owner neither decides nor folds it again', async () => {
  await hand.listener.assigned(ALL)
  await put(world.log, payment('c1', 1), application('c1', 2), application('c2', 2))
  await world.engine.caughtUp()
  await hand.listener.revoked(ALL)
  expect([...world.engine.positions()]).toEqual([])
  const ends = world.log.end('credit-events')
  expect(ALL.map((partition) => hand.mirrored.get(partition) ?? 0)).toEqual(ends)
  await otherHand.listener.assigned(ALL)
  await put(world.log, application('c1', 3))
  await other.drain()
  const decisions = await decisionsIn(world.log)
  expect(decisions.map(({ body }) => `${body.applicationId} ${body.modelVersion}`).sort()).toEqual([
    'A-c1-2 tiny@1',
    'A-c1-3 tiny@7',
    'A-c2-2 tiny@1',
  ])
  expect([...(decisions.find(({ body }) => body.applicationId === 'A-c1-3')?.body.vector ?? [])].slice(0, 2)).toEqual([1, 101])
  expect(other.counters).toMatchObject({ adopted: 0, events: { application: 1 } })
  await soundChains()
})

it('what is lost is let go without a commit; its successor adopts what was published', async () => {
  await hand.listener.assigned(ALL)
  await world.engine.drain()
  await put(world.log, payment('c1', 1), application('c1', 2))
  await world.engine.caughtUp()
  await hand.listener.lost(ALL)
  await otherHand.listener.assigned(ALL)
  await other.drain()
  expect([...world.engine.positions()]).toEqual([])
  const decisions = await decisionsIn(world.log)
  expect(decisions).toHaveLength(1)
  expect(decisions[0]?.body.modelVersion).toBe('tiny@1')
  expect(world.failures).toEqual([])
  await soundChains()
})

it('two owners at a time waste work and contradict nothing', async () => {
  await hand.listener.assigned(ALL)
  await otherHand.listener.assigned(ALL)
  for (let n = 0; n < 60; n++) await put(world.log, payment(`c${n % 5}`, n), application(`c${n % 7}`, n))
  await hand.listener.lost(ALL)
  await other.drain()
  const believed = new Map<string, string>()
  for (const partition of ALL)
    for (let offset = 0; offset < (world.log.end('credit-events')[partition] as number); offset++) {
      const decision = await findDecision(world.log, partition, offset)
      if (decision !== undefined) believed.set(decision.body.applicationId, decision.capsuleHash)
    }
  expect(believed.size).toBe(60)
  expect(world.failures).toEqual([])
  await soundChains()
})

it('a follower passes on what is believed, whoever decided it, and keeps the last for those who ask again', async () => {
  const recent = new RecentDecisions()
  const none = ALL.map(() => -1)
  const seen: string[] = []
  const follower = new DecisionFollower(
    { log: world.log, pauses: realPauses, failed: (failure) => world.failures.push(failure) },
    { next: [0, 0, 0], epoch: none, decided: none },
    (records) => {
      recent.add(records)
      seen.push(...records.map(({ key }) => Buffer.from(key).toString()))
    },
  )
  await hand.listener.assigned(ALL)
  await put(world.log, application('c1', 1))
  await world.engine.caughtUp()
  await hand.listener.revoked(ALL)
  await otherHand.listener.assigned(ALL)
  await put(world.log, application('c2', 1))
  await other.drain()
  await expect.poll(() => seen).toEqual(['c1', 'c2'])
  expect(recent.find('c2', 'app-c2-1')?.body.modelVersion).toBe('tiny@7')
  expect(recent.find('c2', 'app-c2-2')).toBeUndefined()
  await follower.close()
  expect(world.failures).toEqual([])
})

it('a retry that reaches another process is a duplicate once committed, and before that leads to the original decision', async () => {
  const clock = { now: () => epochMs(T0 + 1_000_000) }
  const ingest = (engine: Engine) => new Ingest({ engine, log: world.log, clock, vault: undefined })
  const send = async (engine: Engine) => (await ingest(engine).ingest([{ event: application('c1', 1), bytes: Buffer.alloc(0) }]))[0]
  await hand.listener.assigned(ALL)
  const first = await send(world.engine)
  const early = await send(other)
  expect([first?.status, early?.status]).toEqual(['accepted', 'accepted'])
  await world.engine.drain()
  expect(await send(other)).toEqual({ status: 'duplicate', position: first?.position })
  expect(await decisionsIn(world.log)).toHaveLength(1)
  const ports = { log: world.log, entity: (id: string) => other.entity(id), dedupe: other.settings.dedupe }
  const { position } = early ?? {}
  if (position === null || position === undefined) throw new Error('the retry has no position')
  expect(await findDecision(world.log, position.partition, position.offset)).toBeUndefined()
  expect((await findOriginal(position, ports))?.body).toMatchObject({ applicationId: 'A-c1-1', offset: first?.position?.offset })
  expect(await findOriginal({ partition: PARTITIONS, offset: 0 }, ports)).toBeUndefined()
})
