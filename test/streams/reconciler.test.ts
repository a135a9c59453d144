/** The reconciler over a real log: each count by hand, then against a naive reader over random histories, restarted anywhere. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Reconciler, type ReconcilerCheckpoint, type ReconcilerTotals } from '#streams/reconciler/reconciler.ts'
import { applicationEvent, DecidedLog, paymentEvent } from './support/decided-log.ts'
import { openTestDirectory } from './support/warehouse-fixture.ts'

let test: ReturnType<typeof openTestDirectory>
let written: DecidedLog
beforeEach(() => {
  test = openTestDirectory()
  written = new DecidedLog(test.log)
})
afterEach(() => test.remove())

const readAll = async (reconciler: Reconciler): Promise<ReconcilerTotals> => {
  while (await reconciler.step());
  return reconciler.totals()
}
const totals = (pendingMax?: number): Promise<ReconcilerTotals> =>
  readAll(new Reconciler({ log: test.log, ...(pendingMax === undefined ? {} : { pendingMax }) }))

const SOUND = { lost: 0, conflicting: 0, repeated: 0, duplicates: 0, deadLettered: 0, inFlight: 0, lag: 0 }

describe('the reconciler', () => {
  it('finds nothing wrong where every application has one decision', async () => {
    await written.input(applicationEvent('e0'), paymentEvent('p1'), applicationEvent('e2'))
    const epoch = await written.claim()
    await written.decide({ at: 0, epoch }, { at: 2, epoch })
    expect(await totals()).toEqual({ ...SOUND, applications: 2, decided: 2 })
  })

  it('counts what was passed over without a word as lost, and only once a later decision shows that it was', async () => {
    await written.input(...['e0', 'e1', 'e2'].map((id) => applicationEvent(id)))
    const epoch = await written.claim()
    await written.decide({ at: 0, epoch })
    const reconciler = new Reconciler({ log: test.log })
    expect(await readAll(reconciler)).toEqual({ ...SOUND, applications: 3, decided: 1, inFlight: 2 })
    await written.decide({ at: 2, epoch })
    expect(await readAll(reconciler)).toEqual({ ...SOUND, applications: 3, decided: 2, lost: 1 })
  })

  it('takes a dead letter for an answer', async () => {
    await written.input(...['e0', 'e1', 'e2'].map((id) => applicationEvent(id)))
    const epoch = await written.claim()
    await written.deadLetter(1)
    await written.deadLetter(1)
    await written.decide({ at: 0, epoch }, { at: 2, epoch })
    expect(await totals()).toEqual({ ...SOUND, applications: 3, decided: 2, deadLettered: 1 })
  })

  it('takes a retry that reached the log for no application of its own, also after a restart that forgot its ids', async () => {
    await written.input(applicationEvent('e0'), applicationEvent('e1'))
    const epoch = await written.claim()
    await written.decide({ at: 0, epoch }, { at: 1, epoch })
    const before = new Reconciler({ log: test.log })
    await readAll(before)
    await written.input(applicationEvent('e0'), applicationEvent('e4'))
    await written.decide({ at: 3, epoch })
    const expected = { ...SOUND, applications: 3, decided: 3, duplicates: 1 }
    expect(await readAll(before)).toEqual(expected)
    expect(await totals()).toEqual(expected)
    const restarted = new Reconciler({ log: test.log, checkpoint: before.checkpoint() })
    await written.input(applicationEvent('e1'), applicationEvent('e6'))
    await written.decide({ at: 5, epoch })
    expect(await readAll(restarted)).toEqual({ ...SOUND, applications: 4, decided: 4, duplicates: 2 })
  })

  it('takes interleaved repeats (A B A B) for what they are, and another content for a conflict', async () => {
    await written.input(applicationEvent('e0'), applicationEvent('e1'))
    const epoch = await written.claim()
    await written.decide({ at: 0, epoch }, { at: 1, epoch })
    await written.decide({ at: 0, epoch }, { at: 1, epoch })
    expect(await totals()).toEqual({ ...SOUND, applications: 2, decided: 2, repeated: 2 })
    await written.decide({ at: 0, epoch, content: 1 })
    expect(await totals()).toEqual({ ...SOUND, applications: 2, decided: 2, repeated: 2, conflicting: 1 })
  })

  it('believes no owner that was succeeded', async () => {
    await written.input(applicationEvent('e0'), applicationEvent('e1'))
    const old = await written.claim()
    const epoch = await written.claim()
    await written.decide({ at: 0, epoch: old, content: 1 }, { at: 0, epoch }, { at: 1, epoch })
    expect(await totals()).toEqual({ ...SOUND, applications: 2, decided: 2 })
  })

  it('calls a decision on what is no application, or on nothing, a conflict', async () => {
    await written.input(paymentEvent('p0'), applicationEvent('e1'))
    const epoch = await written.claim()
    await written.decide({ at: 0, epoch }, { at: 1, epoch }, { at: 7, epoch })
    expect(await totals()).toEqual({ ...SOUND, applications: 1, decided: 1, conflicting: 2 })
  })

  it('holds at most so many positions, however far the decisions are behind', async () => {
    await written.input(...Array.from({ length: 6_000 }, (_, n) => applicationEvent(`e${n}`)))
    const reconciler = new Reconciler({ log: test.log, pendingMax: 40 })
    await readAll(reconciler)
    // A page may be read in whole: what is held is bounded by the bound and a page.
    const held = reconciler.totals().inFlight
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(4_000)
    const epoch = await written.claim()
    await written.decide(...Array.from({ length: 6_000 }, (_, at) => ({ at, epoch })))
    expect(await readAll(reconciler)).toEqual({ ...SOUND, applications: 6_000, decided: 6_000 })
  })
})

/** What happens next in a partition. Owners keep the protocol, save where a fault is planted. */
const happening = fc.oneof(
  { weight: 15, arbitrary: fc.record({ kind: fc.constant('application' as const), retry: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'payment' as const }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('decide' as const), skip: fc.nat(5), twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'takeover' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'zombie' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('contradict' as const), back: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'look' as const }) },
)
type Happening = typeof happening extends fc.Arbitrary<infer One> ? One : never

/** Plays a history into the log and says what a reader must find; `look` lets the reconciler read, restarted each time. */
const play = async (history: readonly Happening[]): Promise<{ expected: Partial<ReconcilerTotals>; found: ReconcilerTotals }> => {
  const directory = openTestDirectory()
  const log = new DecidedLog(directory.log)
  const waiting: { at: number; retry: boolean }[] = []
  const decided: { at: number; content: number }[] = []
  const ids: string[] = []
  const expected = { decided: 0, lost: 0, deadLettered: 0, duplicates: 0, repeated: 0, conflicting: 0, inFlight: 0 }
  let [end, epoch, old] = [0, await log.claim(), -1]
  let checkpoint: ReconcilerCheckpoint | undefined
  try {
    for (const step of history)
      switch (step.kind) {
        case 'application': {
          const retry = step.retry && ids.length > 0 ? ids[end % ids.length] : undefined
          await log.input(applicationEvent(retry ?? `e${end}`))
          if (retry === undefined) ids.push(`e${end}`)
          waiting.push({ at: end++, retry: retry !== undefined })
          break
        }
        case 'payment':
          await log.input(paymentEvent(`p${end++}`))
          break
        case 'decide': {
          const first = waiting.splice(0, Math.min(waiting.length, 3))
          // Retries are passed over as they must be; of the others, every fourth way loses one and every third dead-letters one.
          const real = first.filter(({ retry }) => !retry)
          const chosen = real.at(-1)
          if (chosen === undefined) {
            waiting.unshift(...first)
            break
          }
          const after = first.filter(({ at }) => at > chosen.at)
          waiting.unshift(...after)
          expected.duplicates += first.filter(({ at, retry }) => retry && at < chosen.at).length
          const dropped = step.skip % 4 === 0 ? real[0] : undefined
          const refused = step.skip % 3 === 0 ? real[1] : undefined
          const plans = real
            .filter((one) => one === chosen || (one !== dropped && one !== refused))
            .map(({ at }) => ({ at, epoch, content: 0 }))
          if (refused !== undefined && refused !== chosen) {
            await log.deadLetter(refused.at)
            expected.deadLettered++
          }
          if (dropped !== undefined && dropped !== chosen) expected.lost++
          await log.decide(...plans)
          if (step.twice) {
            await log.decide(...plans)
            expected.repeated += plans.length
          }
          expected.decided += plans.length
          decided.push(...plans)
          break
        }
        case 'takeover':
          old = epoch
          epoch = await log.claim()
          break
        case 'zombie':
          if (old >= 0 && waiting[0] !== undefined) await log.decide({ at: waiting[0].at, epoch: old, content: 9 })
          break
        case 'contradict': {
          const victim = decided.at(-1 - step.back)
          if (victim === undefined) break
          await log.decide({ at: victim.at, epoch, content: 5 })
          expected.conflicting++
          break
        }
        case 'look': {
          const reconciler = new Reconciler({ log: directory.log, checkpoint })
          await readAll(reconciler)
          checkpoint = JSON.parse(JSON.stringify(reconciler.checkpoint())) as ReconcilerCheckpoint
          break
        }
        default:
          step satisfies never
      }
    const found = await readAll(new Reconciler({ log: directory.log, checkpoint }))
    return { expected, found }
  } finally {
    await directory.remove()
  }
}

it('counts exactly what happened, over random histories with takeovers, zombies, repeats and losses, restarted anywhere', async () => {
  const seen = { lost: 0, deadLettered: 0, duplicates: 0, repeated: 0, conflicting: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 20, maxLength: 80, size: 'max' }), async (history) => {
      const { expected, found } = await play(history)
      const { inFlight: _, ...counts } = expected
      expect(found).toMatchObject(counts)
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += found[name]
      expect(found.lag).toBe(0)
      expect(found.applications).toBe(found.decided + found.lost + found.deadLettered + found.inFlight)
    }),
    { numRuns: 100 },
  )
  // The histories must hold what they are meant to hold.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
}, 60_000)
