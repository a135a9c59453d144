import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CreditEvent } from '#schemas/events.ts'
import type { StateStore } from '#streams/ports.ts'
import { newFolder, put } from '../streams/support/embedded.ts'
import { linkedEvents } from '../streams/support/linked-world.ts'
import { auditEvolution } from './audit-evolution.ts'
import { type EvolvingWorld, type EvolvingWorldOptions, former, later, openEvolvingWorld } from './evolving-world.ts'

const EVENTS = linkedEvents(7, 6_000)
let folder: string
let world: EvolvingWorld
beforeEach(() => (folder = newFolder()))
afterEach(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

const open = async (options?: EvolvingWorldOptions): Promise<void> => {
  world = await openEvolvingWorld(folder, options)
  await world.engine.start()
}
const feed = async (events: readonly CreditEvent[]): Promise<void> => {
  for (let n = 0; n < events.length; n += 40) {
    await put(world.log, ...events.slice(n, n + 40))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
/** Feeds until `over`, then the rest at once. */
const feedDuring = async (events: readonly CreditEvent[], work: Promise<unknown>): Promise<void> => {
  await Promise.all([feed(events), work])
}

it('features are added under load: no decision is lost or doubled, each comes out again, and both sets stand at the offsets named', async () => {
  await open()
  await feed(EVENTS.slice(0, 2_000))
  await world.engine.caughtUp()
  await feedDuring(EVENTS.slice(2_000, 4_000), world.to(later))
  await feed(EVENTS.slice(4_000))
  await world.engine.drain()
  expect(world.failures).toEqual([])
  const { cutOver, ...compared } = world.certificates.at(-1)!
  expect(compared).toMatchObject({ differences: 0, from: { featureSetHash: former.set.hash }, to: { featureSetHash: later.set.hash } })
  // Every feature of the new set, and of those that both have also what capsules say.
  expect(compared.features.map(({ feature }) => feature).toSorted()).toEqual(later.set.features.map(({ name }) => name).toSorted())
  expect(compared.applicants).toBe(40)
  expect(compared.decisions).toBeGreaterThan(300)
  expect(compared.linkedStates).toBeGreaterThan(8)
  const audit = await auditEvolution(world.log, EVENTS, 20)
  expect(Math.min(audit.former, audit.later)).toBeGreaterThan(300)
  for (const { body } of audit.decisions)
    expect(body.featureSetHash, `${body.partition}-${body.offset}`).toBe(
      (body.offset < cutOver!.offsets[body.partition]! ? former : later).set.hash,
    )
})

it('is taken back, and forth again, from where each set’s states were left', async () => {
  await open()
  const [third, events] = [1_000, EVENTS.slice(0, 4_000)]
  await feed(events.slice(0, third))
  for (const [n, set] of [later, former, later].entries()) {
    await feedDuring(events.slice((n + 1) * third, (n + 2) * third), world.to(set))
    expect(world.inForce()).toBe(set)
  }
  await world.engine.drain()
  expect(world.certificates.filter((one) => one.cutOver !== null)).toHaveLength(3)
  expect(world.certificates.filter((one) => one.differences > 0)).toEqual([])
  await auditEvolution(world.log, events, 10)
})

it('an engine that begins anew after the cut-over goes on with the new set', async () => {
  await open()
  await feed(EVENTS.slice(0, 500))
  await world.engine.caughtUp()
  await world.to(later)
  await world.close()
  await open()
  expect(world.engine.seat.featureSet.hash).toBe(later.set.hash)
  await feed(EVENTS.slice(500, 1_000))
  await world.engine.drain()
  // Nothing was folded a second time.
  expect(world.engine.counters.adopted).toBe(0)
  await auditEvolution(world.log, EVENTS.slice(0, 1_000), 10)
})

/** One payment of one applicant is forgotten on its way to the store. */
const forgetful = (store: StateStore): StateStore => ({
  claim: (partition, epoch) => store.claim(partition, epoch),
  load: (partition, keys, at) => store.load(partition, keys, at),
  close: () => store.close(),
  commit: (commits) =>
    store.commit(
      commits.map((commit) => ({
        ...commit,
        states: new Map([...commit.states].filter(([key]) => key !== 'client-7' && key !== 'device:d3')),
      })),
    ),
})

it.for(['applicants', 'linked'] as const)('states of %s that differ from the log are not put in force, and are named', async (which) => {
  await open({ store: (store, of, set) => (of === which && set === later ? forgetful(store) : store) })
  await feed(EVENTS.slice(0, 1_500))
  await world.engine.caughtUp()
  const feature = which === 'linked' ? 'device.application.event.count.30d' : 'applicant.payment.amount.max.30d'
  await expect(world.to(later)).rejects.toMatchObject({ code: 'states-differ', message: expect.stringContaining(feature) })
  expect(world.certificates.at(-1)).toMatchObject({ cutOver: null })
  expect(world.inForce()).toBe(former)
  await feed(EVENTS.slice(1_500, 2_000))
  await world.engine.drain()
  expect(await auditEvolution(world.log, EVENTS.slice(0, 2_000), 20)).toMatchObject({ later: 0 })
})

it('a log whose beginning is gone is refused at once', async () => {
  let cut = false
  await open({
    log: (log) => new Proxy(log, { get: (of, name) => (name === 'start' && cut ? () => [0, 9, 0] : bound(of, name)) }),
  })
  await feed(EVENTS.slice(0, 100))
  await world.engine.drain()
  cut = true
  await expect(world.to(later)).rejects.toMatchObject({
    code: 'history-gone',
    message: expect.stringContaining('credit-events[1] begins at 9'),
  })
  cut = false
  expect(world.certificates).toEqual([])
})
const bound = (of: object, name: string | symbol): unknown => {
  const value: unknown = Reflect.get(of, name)
  return typeof value === 'function' ? (value.bind(of) as unknown) : value
}

it('called off, it leaves the present set deciding, and goes on from where it was', async () => {
  await open()
  await feed(EVENTS.slice(0, 3_000))
  await world.engine.caughtUp()
  const called = new AbortController()
  await expect(
    world.to(later, { signal: called.signal, progressed: ({ kind }) => void (kind === 'comparing' && called.abort()) }),
  ).rejects.toMatchObject({ code: 'closed' })
  expect(world.inForce()).toBe(former)
  await world.to(later)
  expect(world.inForce()).toBe(later)
  // It stood where it was left: nothing is folded twice.
  expect(world.progress.find((step) => step.kind === 'filling')).toMatchObject({ done: 3_000 })
  await auditEvolution(world.log, EVENTS.slice(0, 3_000), 50)
})
