/** Late events against decisions in a real embedded log: what is revised, what is not, and what a crash repeats. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CreditEvent } from '#schemas/events.ts'
import type { Revision } from '#schemas/revision.ts'
import { epochMs } from '#schemas/units.ts'
import { findDecision } from '#streams/find-decision.ts'
import { silentLogger } from '#streams/logger.ts'
import { featuresAsOf } from '#streams/revisions/as-of.ts'
import { RevisionRunner } from '#streams/revisions/revision-runner.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import {
  application,
  closeWorld,
  newFolder,
  openWorld,
  payment,
  put,
  T0,
  tinyDecider,
  tinyFeatureSet,
  type World,
} from './support/embedded.ts'

const rules = { time: PIPELINE_DEFAULTS.time, dedupe: PIPELINE_DEFAULTS.dedupe }
let world: World
let published: Revision[]
let now: number
let saved: Uint8Array | undefined
beforeEach(async () => {
  world = openWorld(newFolder())
  await world.engine.start()
  ;[published, now, saved] = [[], T0 + 1_000_000, undefined]
})
afterEach(() => closeWorld(world))

const runner = (publish: (some: readonly Revision[]) => Promise<void> = async (some) => void published.push(...some)) =>
  new RevisionRunner({
    log: world.log,
    rules,
    featureSetOf: (hash) => (hash === tinyFeatureSet.hash ? tinyFeatureSet : undefined),
    // The tiny decider refers what is above an amount; here it is the number of payments that decides.
    judgeOf: async () => (asked, vector) => ({
      ...tinyDecider().decide(asked, vector, 0, null),
      decision: (vector[0] as number) > 2 ? ('approve' as const) : ('decline' as const),
    }),
    checkpoints: { load: () => saved, save: (bytes) => (saved = bytes) },
    publish,
    logger: silentLogger,
    now: () => now,
  })

/** Appends, and has the engine decide. */
const decided = async (...events: CreditEvent[]): Promise<void> => {
  await put(world.log, ...events)
  await world.engine.drain()
}

/** Steps until everything is read and looked at: time goes on by itself. */
const settle = async (of: RevisionRunner): Promise<void> => {
  for (let quiet = 0; quiet < 8;) {
    now += 10_000
    quiet = (await of.step()) ? 0 : quiet + 1
  }
}

const brief = ({ causeEventId, changes }: Revision) => [
  causeEventId,
  ...changes.filter(({ feature }) => !feature.endsWith('checksum')).map((change) => [change.feature.split('.')[2], change.old, change.new]),
]

describe('a late payment', () => {
  test('revises the decision it was missing from, with old and new values and whether it would flip', async () => {
    await decided(payment('a', 1), payment('a', 3), application('a', 5), payment('a', 6))
    await decided(payment('a', 4))
    await settle(runner())
    expect(published.map(brief)).toEqual([['pay-a-4', ['count', 2, 3], ['sum', 204, 308]]])
    expect(published[0]).toMatchObject({
      offset: 2,
      causeOffset: 4,
      causeKind: 'payment',
      applicationId: 'A-a-5',
      modelVersion: 'tiny@1',
      decision: 'approve',
      revisedDecision: 'approve',
      featureSetHash: tinyFeatureSet.hash,
    })
  })

  test('after a late payment builds on it, each under an identity of its own; none older than the horizon counts', async () => {
    await decided(application('a', 5), payment('a', 1), payment('a', 2), payment('a', 0, { eventTime: epochMs(T0 - 400 * 86_400_000) }))
    await settle(runner())
    expect(published.map(brief)).toEqual([
      ['pay-a-1', ['count', 0, 1], ['sum', 0, 101]],
      ['pay-a-2', ['count', 0, 2], ['sum', 0, 203]],
    ])
    expect(published.map(({ revisedDecision }) => revisedDecision)).toEqual(['decline', 'decline'])
  })

  test('revises nothing where it is a repeat, is about later, or concerns another applicant', async () => {
    await decided(payment('a', 1), application('a', 5), payment('a', 6), payment('b', 2), application('b', 1))
    await put(world.log, payment('a', 1))
    await world.engine.drain()
    const one = runner()
    await settle(one)
    expect(published).toEqual([])
    expect(one.figures()).toEqual({ revisions: 0, flips: 0, left: 0, lag: 0 })
  })

  test('waits until the engine has decided, and revises nobody who was erased', async () => {
    await world.engine.stop()
    await put(world.log, application('a', 5), payment('a', 1), application('b', 5), payment('b', 1))
    const waiting = runner()
    // The engine stands still, and only moments have passed.
    for (let i = 0; i < 4; i++) {
      now += 5_000
      await waiting.step()
    }
    expect(published).toEqual([])
    await closeWorld(world)
    world = openWorld(world.folder)
    await world.engine.start()
    await decided({
      kind: 'subject-request',
      eventId: 'erase-b',
      applicantId: application('b', 5).applicantId,
      eventTime: epochMs(T0 + 9_000),
      producer: 'test',
      request: 'erasure',
    })
    await settle(runner())
    expect(published.map(({ applicantId }) => applicantId)).toEqual(['a'])
  })
})

test('what was found and could not be published is found again after a restart, the same', async () => {
  await decided(application('a', 5), payment('a', 1), application('c', 5), payment('c', 2))
  const whole = runner()
  await settle(whole)
  const expected = published.splice(0)
  expect(expected).toHaveLength(2)
  const failing = runner(() => Promise.reject(new Error('the log is away')))
  await expect(settle(failing)).rejects.toThrow('the log is away')
  failing.stop()
  await failing.run()
  const again = runner()
  await settle(again)
  expect(published.toSorted((a, b) => a.applicantId.localeCompare(b.applicantId))).toEqual(
    expected.toSorted((a, b) => a.applicantId.localeCompare(b.applicantId)),
  )
  again.stop()
  await again.run()
  // Its place is kept: a third life has nothing to do.
  await settle(runner())
  expect(published).toHaveLength(2)
})

test('a decision is answered as known then and as known now', async () => {
  await decided(payment('a', 1), application('a', 5), payment('a', 4), payment('a', 7))
  const stored = await findDecision(world.log, world.engine.partitionOf('a'), 1)
  const answer = await featuresAsOf(stored!, tinyFeatureSet, { log: world.log, rules })
  if (answer.kind !== 'known') throw new Error(answer.detail)
  expect([...answer.asOf.asKnownThen]).toEqual([...stored!.body.vector])
  expect([answer.asOf.asKnownThen[0], answer.asOf.asKnownNow[0]]).toEqual([1, 2])
  expect(answer.asOf.late.map(({ event }) => event.eventId)).toEqual(['pay-a-4'])
})
