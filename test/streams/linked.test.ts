import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CreditEvent } from '#schemas/events.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import type { EventLog } from '#streams/ports.ts'
import { replayDecision } from '#streams/replay.ts'
import { application, decisionsIn, newFolder, put } from './support/embedded.ts'
import { auditDecisions } from './support/linked-audit.ts'
import {
  closeLinkedWorld,
  linkedDecider,
  linkedEvents,
  linkedNumbers,
  linkedSet,
  type LinkedWorld,
  openLinkedWorld,
  recordsOf,
  updatesIn,
} from './support/linked-world.ts'

let folder: string
let world: LinkedWorld
beforeEach(async () => {
  folder = newFolder()
  world = openLinkedWorld(folder)
  await world.engine.start()
})
afterEach(async () => {
  await closeLinkedWorld(world)
  expect(world.failures).toEqual([])
  rmSync(folder, { recursive: true })
})

const again = async (forget: readonly string[] = []) => {
  await closeLinkedWorld(world)
  for (const state of forget) rmSync(join(folder, state), { recursive: true })
  world = openLinkedWorld(folder)
  await world.engine.start()
  await world.engine.drain()
}

/** A few at a time, each few told before the next are decided. */
const feed = async (...events: CreditEvent[]) => {
  for (let from = 0; from < events.length; from += 10) {
    await put(world.log, ...events.slice(from, from + 10))
    await world.engine.drain()
  }
}
const byApplication = async () => new Map((await decisionsIn(world.log)).map((one) => [one.body.applicationId, one]))
const parts = (log: EventLog) => ({
  log,
  featureSet: linkedSet,
  decider: linkedDecider,
  time: PIPELINE_DEFAULTS.time,
  dedupe: PIPELINE_DEFAULTS.dedupe,
})

it('what an applicant did with a device is known to the next who uses it, value and version in the capsule', async () => {
  await feed(application('c1', 1, { deviceId: 'd', employerId: 'e' }))
  await feed(application('c2', 2, { deviceId: 'd' }))
  await feed(application('c3', 3, { deviceId: 'd', employerId: 'e' }))
  const found = await byApplication()
  const read = ['A-c1-1', 'A-c2-2', 'A-c3-3'].map((id) => found.get(id)!)
  expect(read.map(linkedNumbers)).toEqual([
    [0, 0, 0],
    [1, 1, Number.NaN],
    [2, 2, 500],
  ])
  expect(read.map(({ body }) => body.linked!.map(({ entity }) => entity))).toEqual([
    ['device', 'employer'],
    ['device'],
    ['device', 'employer'],
  ])
  const versions = read.map(({ body }) => body.linked![0]!.version)
  expect(versions[0]).toBe(0)
  expect(versions[2]).toBeGreaterThan(versions[1]!)
  expect(versions[1]).toBeGreaterThan(0)
})

it('an application that names nothing reads nothing: its linked features are missing', async () => {
  await feed(application('c1', 1))
  const [decision] = await decisionsIn(world.log)
  expect(decision!.body.linked).toEqual([])
  expect(linkedNumbers(decision!)).toEqual([Number.NaN, Number.NaN, Number.NaN])
  expect(await recordsOf(world.log, 'linked-entities')).toEqual([])
})

it('states survive a restart, and a restart tells nothing twice that is folded twice', async () => {
  const events = linkedEvents(5, 400)
  await feed(...events.slice(0, 200))
  const told = (await recordsOf(world.log, 'linked-entities')).length
  expect(told).toBeGreaterThan(50)
  await again()
  expect(await recordsOf(world.log, 'linked-entities')).toHaveLength(told)
  await feed(...events.slice(200))
  expect(await auditDecisions(world.log)).toBeGreaterThan(100)
})

it('with the applicants’ states lost, everything is told again and counts once', async () => {
  await feed(...linkedEvents(6, 300))
  const before = (await recordsOf(world.log, 'linked-entities')).length
  const decided = await decisionsIn(world.log)
  await again(['state'])
  const records = await recordsOf(world.log, 'linked-entities')
  expect(records).toHaveLength(2 * before)
  expect(world.engine.linked!.repeats).toBe(before)
  expect(await updatesIn(world.log)).toHaveLength(before)
  expect(await decisionsIn(world.log)).toEqual(decided)
  await feed(...linkedEvents(7, 300).map((event) => ({ ...event, eventId: `b-${event.eventId}` })))
  expect(await auditDecisions(world.log)).toBeGreaterThan(100)
})

it('with the linked states lost, they are folded again from the topic to the same bytes', async () => {
  await feed(...linkedEvents(8, 300))
  const keys = Array.from({ length: 12 }, (_, i) => `device:d${i}`)
  const states = async () => {
    const all = await Promise.all([0, 1, 2].map((p) => world.linkedState.load(p, keys)))
    return all.flat().map((bytes) => bytes && Buffer.from(bytes).toString('hex'))
  }
  const before = await states()
  expect(before.filter(Boolean)).toHaveLength(12)
  await again(['linked'])
  expect(await states()).toEqual(before)
})

it('every decision replays to the same bytes, however much came after it', async () => {
  await feed(...linkedEvents(9, 240))
  const decisions = await decisionsIn(world.log)
  expect(await auditDecisions(world.log)).toBeGreaterThan(60)
  for (const { body } of decisions) {
    const result = await replayDecision(`${body.partition}-${body.offset}`, parts(world.log))
    expect(result, `${body.partition}-${body.offset}`).toMatchObject({ kind: 'same' })
  }
})

it('where the topic no longer says what was read, replay names the link', async () => {
  await feed(application('c1', 1, { deviceId: 'd' }))
  await feed(application('c2', 2, { deviceId: 'd' }))
  const { body } = (await byApplication()).get('A-c2-2')!
  const { log } = world
  const forgetful: Partial<EventLog> = {
    partitions: (topic) => log.partitions(topic),
    start: (topic) => log.start(topic).map((at) => (topic === 'linked-entities' ? 1 : at)),
    end: (topic) => log.end(topic),
    read: (...at) => log.read(...at),
  }
  const result = await replayDecision(`${body.partition}-${body.offset}`, parts(forgetful as EventLog))
  expect(result).toMatchObject({ kind: 'different', differences: [{ cause: 'link' }] })
})
