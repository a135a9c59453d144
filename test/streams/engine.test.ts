import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CreditEvent } from '#schemas/events.ts'
import { decodeDeadLetter, encodeEvent } from '#schemas/wire.ts'
import { epochMs, moneyMinor } from '#schemas/units.ts'
import { RetryableFailure, StaleCommit } from '#streams/failure.ts'
import { findDecision } from '#streams/find-decision.ts'
import type { PipelineSettings } from '#streams/pipeline/settings.ts'
import type { StateStore } from '#streams/ports.ts'
import {
  application,
  closeWorld,
  decisionsIn,
  newFolder,
  openWorld,
  payment,
  PARTITIONS,
  put,
  T0,
  tinyDecider,
  tinyFeatureSet,
  type World,
} from './support/embedded.ts'

let folder: string
let world: World
beforeEach(() => {
  folder = newFolder()
})
afterEach(async () => {
  await closeWorld(world)
  rmSync(folder, { recursive: true })
})
const reopen = async (options: Parameters<typeof openWorld>[1] = {}) => {
  await closeWorld(world)
  world = openWorld(folder, options)
}
const deadLetters = async () => {
  const out = []
  for (let p = 0; p < PARTITIONS; p++)
    for (const { value } of await world.log.read('dead-letters', p, 0, 1e9)) {
      const parsed = decodeDeadLetter(value)
      if (parsed.kind === 'accepted') out.push(parsed.value)
    }
  return out
}

it('an application is decided on everything folded before it, and on nothing after', async () => {
  world = openWorld(folder)
  await world.engine.start()
  await put(world.log, payment('c1', 1), payment('c1', 2), application('c1', 3), payment('c1', 4))
  await world.engine.caughtUp()
  const [decision] = await decisionsIn(world.log)
  expect([...(decision?.body.vector ?? [])].slice(0, 2)).toEqual([2, 203])
  expect(decision?.body).toMatchObject({ applicationId: 'A-c1-3', offset: 2, applicantId: 'c1' })
  expect(world.engine.counters).toMatchObject({ decisions: 1, events: { payment: 3, application: 1 } })
  const entity = await world.engine.entity('c1')
  expect(new DataView(entity.state.buffer, entity.state.byteOffset).getFloat64(0)).toBe(3)
})

it('a restart goes on where the last engine stopped and decides nothing twice', async () => {
  world = openWorld(folder)
  await world.engine.start()
  await put(world.log, payment('c1', 1), application('c1', 2), application('c2', 2))
  await world.engine.drain()
  await reopen({ parts: { decider: tinyDecider(2) } })
  await world.engine.start()
  await put(world.log, payment('c1', 5), application('c1', 6))
  await world.engine.drain()
  const decisions = await decisionsIn(world.log)
  expect(decisions.map((d) => d.body.applicationId).sort()).toEqual(['A-c1-2', 'A-c1-6', 'A-c2-2'])
  const last = decisions.find((d) => d.body.applicationId === 'A-c1-6')
  expect([...(last?.body.vector ?? [])].slice(0, 2)).toEqual([2, 206])
  expect(last?.previousHash).toBe(decisions.find((d) => d.body.applicationId === 'A-c1-2')?.capsuleHash)
})

it('after the state is lost everything is refolded and the published decisions are adopted, though the model has changed', async () => {
  world = openWorld(folder)
  await world.engine.start()
  for (let n = 0; n < 40; n++) await put(world.log, payment(`c${n % 5}`, n), application(`c${n % 7}`, n))
  await world.engine.drain()
  const before = await decisionsIn(world.log)
  await closeWorld(world)
  rmSync(`${folder}/state`, { recursive: true })
  world = openWorld(folder, { parts: { decider: tinyDecider(9) } })
  await world.engine.start()
  expect(await decisionsIn(world.log)).toEqual(before)
  expect(world.engine.counters.adopted).toBe(40)
  await put(world.log, application('c1', 100))
  await world.engine.drain()
  const all = await decisionsIn(world.log)
  expect(all).toHaveLength(41)
  const fresh = all.find((d) => d.body.applicationId === 'A-c1-100')
  expect(fresh?.body.modelVersion).toBe('tiny@9')
  expect(all.filter((d) => d.body.partition === fresh?.body.partition).at(-2)?.capsuleHash).toBe(fresh?.previousHash)
})

it('decisions published but not committed are adopted by the next owner', async () => {
  const stuck = (state: StateStore): StateStore => ({
    claim: (p, e) => state.claim(p, e),
    load: (p, k) => state.load(p, k),
    commit: () => Promise.reject(new Error('the store is gone')),
    close: () => state.close(),
  })
  world = openWorld(folder, { state: stuck })
  await world.engine.start()
  await put(world.log, application('c1', 1), application('c2', 1), application('c3', 1))
  await world.engine.caughtUp()
  await world.engine.drain().catch(() => {})
  await reopen({ parts: { decider: tinyDecider(3) } })
  await world.engine.start()
  const decisions = await decisionsIn(world.log)
  expect(decisions).toHaveLength(3)
  expect(decisions.every((d) => d.body.modelVersion === 'tiny@1')).toBe(true)
  expect(world.engine.counters).toMatchObject({ adopted: 3, decisions: 0 })
})

it('drained means committed: a refused commit is made again by the next claim, and a store that takes nothing is said', async () => {
  let refusals = 1
  const refusing = (state: StateStore): StateStore => ({
    claim: (p, e) => state.claim(p, e),
    load: (p, k, at) => state.load(p, k, at),
    commit: (commits) =>
      refusals-- > 0 ? Promise.reject(new StaleCommit('stale-commit', commits[0]?.partition ?? 0, 'no')) : state.commit(commits),
    close: () => state.close(),
  })
  const settings = { commitAfterMs: 60_000, retakeAfterMs: 1 }
  world = openWorld(folder, { state: refusing, parts: { settings } })
  await world.engine.start()
  await put(world.log, application('c1', 1), payment('c2', 1))
  await world.engine.drain()
  expect(world.engine.counters).toMatchObject({ losses: 2, commits: 1, decisions: 1 })
  refusals = Infinity
  await put(world.log, application('c1', 2))
  await expect(world.engine.drain()).rejects.toMatchObject({ code: 'state-unavailable' })
})

it('the same event again has no effect; the same id with other content goes to the dead letters', async () => {
  world = openWorld(folder)
  await world.engine.start()
  await put(
    world.log,
    payment('c1', 1),
    payment('c1', 1),
    payment('c1', 1, { amount: moneyMinor(999) }),
    application('c1', 2),
    application('c1', 2),
  )
  await world.engine.drain()
  const decisions = await decisionsIn(world.log)
  expect(decisions).toHaveLength(1)
  expect([...(decisions[0]?.body.vector ?? [])].slice(0, 2)).toEqual([1, 101])
  expect(world.engine.counters).toMatchObject({ duplicates: 2, deadLetters: { 'duplicate-conflict': 1 } })
  expect(await deadLetters()).toMatchObject([{ code: 'duplicate-conflict', offset: 2 }])
})

it('a repeat is recognised after a restart, and forgotten after the horizon', async () => {
  let now = T0
  world = openWorld(folder, { now: () => now })
  await world.engine.start()
  await put(world.log, payment('c1', 1))
  await world.engine.drain()
  await reopen({ now: () => now })
  await world.engine.start()
  now += 6 * 86_400_000
  await put(world.log, payment('c1', 1))
  await world.engine.drain()
  expect(world.engine.counters.duplicates).toBe(1)
  now += 2 * 86_400_000
  await put(world.log, payment('c1', 1))
  await world.engine.drain()
  expect(world.engine.counters).toMatchObject({ duplicates: 1, events: { payment: 1 } })
})

it('foreign bytes and impossible times go to the dead letters with reason, bytes and position, and the rest goes on', async () => {
  world = openWorld(folder, { parts: { settings: { time: { aheadMsMax: 60_000, ageMsMax: 2_000_000 } } } })
  await world.engine.start()
  const home = world.engine.partitionOf('c1')
  const key = Buffer.from('c1')
  await world.log.append('credit-events', [{ partition: home, key, value: Buffer.from('nonsense') }])
  await put(
    world.log,
    payment('c1', 2, { eventTime: epochMs(T0 + 9_000_000) }),
    payment('c1', 3, { eventTime: epochMs(T0 - 9_000_000) }),
    application('c1', 4),
  )
  await world.engine.drain()
  const letters = await deadLetters()
  expect(letters.map((l) => l.code).sort()).toEqual(['too-far-ahead', 'too-old', 'unknown-schema'])
  const foreign = letters.find((l) => l.code === 'unknown-schema')
  expect(Buffer.from(foreign?.bytes ?? []).toString()).toBe('nonsense')
  expect(foreign).toMatchObject({ source: 'credit-events', partition: home, offset: 0 })
  expect(world.engine.counters.decisions).toBe(1)
})

it('an event that strayed is put where its applicant belongs, and counts once however often it is put there', async () => {
  const strays = (home: number, ...events: CreditEvent[]) =>
    events.map((event) => ({ partition: (home + 1) % PARTITIONS, key: Buffer.from('another key'), value: encodeEvent(event) }))
  // The first life ends after it has put the strays where they belong and before it has committed.
  world = openWorld(folder, {
    state: (store) => ({
      claim: (partition, epoch) => store.claim(partition, epoch),
      load: (partition, keys, at) => store.load(partition, keys, at),
      commit: () => Promise.reject(new RetryableFailure('overloaded', 'not now')),
      close: () => store.close(),
    }),
    parts: { settings: { retryAfterMs: 5 } },
  })
  const home = world.engine.partitionOf('c1')
  await world.log.append('credit-events', strays(home, payment('c1', 1), application('c1', 2)))
  await world.engine.start()
  await world.engine.caughtUp()
  expect(world.engine.counters).toMatchObject({ rerouted: 2, decisions: 1, deadLetters: {} })
  await reopen()
  await world.engine.start()
  await world.engine.drain()
  await world.engine.drain()
  expect(world.engine.counters).toMatchObject({ rerouted: 2, duplicates: 2 })
  const decisions = await decisionsIn(world.log)
  expect(decisions).toMatchObject([{ body: { partition: home, offset: 1 } }])
  expect([...(decisions[0]?.body.vector ?? [])].slice(0, 2)).toEqual([1, 101])
  // In the right partition but under another key it strays as well.
  await world.log.append('credit-events', [{ partition: home, key: Buffer.alloc(0), value: encodeEvent(payment('c1', 3)) }])
  await world.engine.drain()
  await world.engine.drain()
  expect(world.engine.counters).toMatchObject({ rerouted: 3, events: { payment: 2 } })
  expect(await deadLetters()).toEqual([])
})

it('an event that always makes the code throw is set aside as poison after counted attempts, and nothing else is lost', async () => {
  const featureSet = {
    ...tinyFeatureSet,
    fold: (state: Uint8Array, event: Parameters<typeof tinyFeatureSet.fold>[1]) => {
      tinyFeatureSet.fold(state, event)
      if (event.eventId === 'pay-c1-2') throw new Error('boom')
    },
  }
  world = openWorld(folder, { parts: { featureSet } })
  await world.engine.start()
  await put(world.log, payment('c1', 1), application('c2', 1), payment('c1', 2), payment('c1', 3), application('c1', 4))
  await world.engine.drain()
  expect(await deadLetters()).toMatchObject([{ code: 'poison' }])
  const decisions = await decisionsIn(world.log)
  expect(decisions).toHaveLength(2)
  expect([...(decisions.find((d) => d.body.applicantId === 'c1')?.body.vector ?? [])].slice(0, 2)).toEqual([2, 204])
  expect(world.engine.counters.restarts).toBe(3)
  expect(world.failures).toEqual([])
})

it('a full disk delays decisions and loses none', async () => {
  let failing = 3
  world = openWorld(folder, {
    parts: { settings: { retryAfterMs: 1 } },
    log: (log) =>
      new Proxy(log, {
        get: (target, name) =>
          name === 'append'
            ? (topic: 'decisions', records: Parameters<typeof log.append>[1]) =>
                topic === 'decisions' && records.length > 0 && failing-- <= 0
                  ? target.append(topic, records)
                  : topic === 'decisions' && world !== undefined && records.some((r) => r.value.length > 200)
                    ? Promise.reject(new RetryableFailure('disk-full', 'no space'))
                    : target.append(topic, records)
            : typeof target[name as keyof typeof target] === 'function'
              ? (target[name as keyof typeof target] as () => unknown).bind(target)
              : target[name as keyof typeof target],
      }),
  })
  failing = 1e9
  await world.engine.start()
  failing = 2
  await put(world.log, application('c1', 1))
  await world.engine.drain()
  expect(await decisionsIn(world.log)).toHaveLength(1)
  expect(world.engine.counters.retries).toBeGreaterThan(0)
})

it('an erasure removes the state and keeps what recognises repeats', async () => {
  world = openWorld(folder)
  await world.engine.start()
  await put(
    world.log,
    payment('c1', 1),
    {
      kind: 'subject-request',
      eventId: 'e',
      applicantId: payment('c1', 1).applicantId,
      eventTime: epochMs(T0),
      producer: 'test',
      request: 'erasure',
    },
    payment('c1', 1),
    application('c1', 2),
  )
  await world.engine.drain()
  const [decision] = await decisionsIn(world.log)
  expect([...(decision?.body.vector ?? [])]).toEqual([0, 0, 0])
  expect(world.engine.counters).toMatchObject({ erasures: 1, duplicates: 1 })
})

it('a shortened input log stops the engine with the reason', async () => {
  world = openWorld(folder)
  await world.engine.start()
  await put(world.log, payment('c1', 1), payment('c1', 2))
  await world.engine.drain()
  await closeWorld(world)
  rmSync(`${folder}/log/credit-events`, { recursive: true })
  world = openWorld(folder)
  await expect(world.engine.start()).rejects.toMatchObject({ code: 'log-shortened', message: expect.stringContaining('state stands at 2') })
})

it('an owner that was succeeded is not believed any more; where the partition is still its own it claims anew and decides again', async () => {
  world = openWorld(folder, { parts: { settings: { retakeAfterMs: 1 } } })
  await world.engine.start()
  const { encodeClaim } = await import('#schemas/wire.ts')
  const partition = world.engine.partitionOf('c1')
  await world.log.append('decisions', [
    { partition, key: Buffer.from('other'), value: encodeClaim({ owner: 'other', claimedAt: epochMs(T0) }) },
  ])
  await put(world.log, application('c1', 1))
  await world.engine.drain()
  const decisions = (await decisionsIn(world.log)).filter((decision) => decision.body.partition === partition)
  expect(decisions.map(({ epoch }) => epoch)).toEqual([0, 3])
  expect(await findDecision(world.log, partition, 0)).toEqual(decisions[1])
  expect(world.engine.counters).toMatchObject({ losses: 1, claims: PARTITIONS + 1 })
  expect(world.failures).toEqual([])
})

it('while much waits a commit waits for more applicants, but not for so many that they fill half the cache', async () => {
  /** Applicants written by the first commit. */
  const firstCommit = async (settings: Partial<PipelineSettings>): Promise<number> => {
    const written: number[] = []
    world = openWorld(folder, {
      parts: { settings: { batchRecordsMax: 4, catchUpFrom: 2, commitAfterMs: 1e9, dirtyEntitiesMax: 16, ...settings } },
      state: (state) => ({
        claim: (p, e) => state.claim(p, e),
        load: (p, k) => state.load(p, k),
        commit: (commits) => {
          written.push(commits.reduce((sum, { states }) => sum + states.size, 0))
          return state.commit(commits)
        },
        close: () => state.close(),
      }),
    })
    for (let n = 0; n < 200; n++) await put(world.log, payment(`c${n}`, n))
    await world.engine.start()
    await world.engine.drain()
    await closeWorld(world)
    rmSync(folder, { recursive: true })
    return written[0] as number
  }
  expect(await firstCommit({ catchUpFactor: 1 })).toBe(16)
  expect(await firstCommit({ catchUpFactor: 4 })).toBe(64)
  expect(await firstCommit({ catchUpFactor: 4, cacheBytesMax: 30_000 })).toBeLessThan(64)
  world = openWorld(folder)
})
