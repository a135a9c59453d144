import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile } from '#features/compile/compile.ts'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import type { Definition } from '#features/language/feature.ts'
import { changesBetween, vectorAsKnown } from '#features/revision.ts'
import { replay } from '#training/dataset.ts'
import { agrees } from './compare.ts'
import { anyDefinitions } from './random-definitions.ts'
import type { History } from './random-history.ts'
import { LATENESS_MS, outcomeOf, randomHistory } from './random-history.ts'
import type { Ask, Placed } from './sql-oracle.ts'
import { SqlOracle } from './sql-oracle.ts'

const SEED = Number(process.env['SCORESTREAM_TEST_SEED'] || 20_261_121)
const ROUNDS = 12
const APPLICANTS = 30
/** Below what the longest histories hold: rings overflow, and the SQL must say the same of what is left. */
const CAPACITIES = { application: 8, statement: 14, payment: 16, transaction: 40 }

const compiled = (definitions: readonly Definition[]): CompiledFeatureSet =>
  compile({ definitions, capacities: CAPACITIES, latenessMs: LATENESS_MS })

/** Vectors of the live fold by ask, in float64. */
const live = (set: CompiledFeatureSet, { events }: History): Map<string, Float64Array> => {
  const states = new Map<string, Uint8Array>()
  const vectors = new Map<string, Float64Array>()
  for (const { event } of events) {
    const state = states.get(event.applicantId) ?? set.emptyState()
    states.set(event.applicantId, state)
    if (event.kind === 'application') vectors.set(event.applicationId, set.values(state, event))
    set.fold(state, event)
  }
  return vectors
}

/** In float64, so that it can be compared. */
const valuesAsKnownNow = (set: CompiledFeatureSet, events: readonly Placed[], ask: Ask): Float64Array => {
  const state = set.emptyState()
  for (const { event, offset } of events)
    if (offset < ask.offset || (offset > ask.offset && event.eventTime <= ask.application.eventTime)) set.fold(state, event)
  return set.values(state, ask.application)
}

interface Outcome {
  compared: number
  readonly differences: string[]
}

const compare = (
  set: CompiledFeatureSet,
  ours: ReadonlyMap<string, ArrayLike<number>>,
  theirs: ReadonlyMap<string, ArrayLike<number>>,
): Outcome => {
  const outcome: Outcome = { compared: 0, differences: [] }
  expect([...theirs.keys()].toSorted()).toEqual([...ours.keys()].toSorted())
  for (const [ask, vector] of ours)
    set.definitions.forEach((definition, i) => {
      outcome.compared++
      const [mine, other] = [vector[i]!, theirs.get(ask)![i]!]
      if (!agrees(definition, mine, other)) outcome.differences.push(`${definition.name} of ${ask}: ${mine}, should be ${other}`)
    })
  return outcome
}

let oracle: SqlOracle
beforeAll(() => {
  oracle = new SqlOracle()
})
afterAll(() => oracle.close())

const sets = fc.sample(anyDefinitions, { seed: SEED, numRuns: ROUNDS }).map(compiled)

describe(`one definition, three executions (seed ${SEED})`, () => {
  test('the live fold and ClickHouse agree on every definition and history', { timeout: 240_000 }, async () => {
    let compared = 0
    const features = new Set<string>()
    for (const [round, set] of sets.entries()) {
      const history = randomHistory(SEED + round, APPLICANTS)
      await oracle.fill(history.events, history.asks)
      const outcome = compare(set, live(set, history), await oracle.vectors(set))
      expect(outcome.differences.slice(0, 20), `seed ${SEED}, round ${round}`).toEqual([])
      compared += outcome.compared
      for (const { name } of set.features) features.add(name)
    }
    // Pairs of a definition and a moment of a history.
    expect(compared).toBeGreaterThan(50_000)
    expect(features.size).toBeGreaterThan(300)
  })

  test(
    'what is known now is what ClickHouse reads today, and revisions name just the features that differ',
    { timeout: 120_000 },
    async () => {
      const [set, history] = [sets[2]!, randomHistory(SEED + 2, APPLICANTS)]
      await oracle.fill(history.events, history.asks)
      const [then, now] = [await oracle.vectors(set), await oracle.vectors(set, undefined, 'now')]
      const byApplicant = Map.groupBy(history.events, ({ event }) => event.applicantId)
      const revised = new Map<string, Float64Array>()
      let changes = 0
      for (const ask of history.asks) {
        const events = byApplicant.get(ask.application.applicantId)!
        revised.set(ask.id, Float64Array.from(valuesAsKnownNow(set, events, ask)))
        const known = (at: 'then' | 'now') => vectorAsKnown(set, events, ask, at)
        for (const { position } of changesBetween(set, known('then'), known('now'))) {
          changes++
          expect(Object.is(then.get(ask.id)![position], now.get(ask.id)![position])).toBe(false)
        }
      }
      expect(compare(set, revised, now).differences.slice(0, 20)).toEqual([])
      expect(changes).toBeGreaterThan(100)
    },
  )

  test('training replay gives the live vectors, bit for bit', () => {
    const set = sets[0]!
    const history = randomHistory(SEED, APPLICANTS)
    const outcomes = history.asks.map(({ application }) => outcomeOf(application))
    const { training, holdout } = replay([...history.events.map(({ event }) => event), ...outcomes], set)
    expect(training.rows + holdout.rows).toBe(history.asks.length)
    const vectors = live(set, history)
    const bytes = (values: Float32Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex')
    const expected = [...vectors.values()].map((vector) => bytes(Float32Array.from(vector, (value) => value + 0))).toSorted()
    const rows = [training, holdout].flatMap(({ values, rows: count }) =>
      Array.from({ length: count }, (_, row) => bytes(values.slice(row * set.size, (row + 1) * set.size))),
    )
    expect(rows.toSorted()).toEqual(expected)
  })

  describe('a planted fault is found', () => {
    const set = sets[1]!
    const history = randomHistory(SEED + 1, APPLICANTS)
    const differencesOf = async (ours: ReadonlyMap<string, ArrayLike<number>>, plant?: (sql: string) => string): Promise<number> => {
      await oracle.fill(history.events, history.asks)
      return compare(set, ours, await oracle.vectors(set, plant)).differences.length
    }

    test('in the fold: an event counted twice', { timeout: 60_000 }, async () => {
      const twice = { events: history.events.flatMap((one, i) => (i % 50 === 7 ? [one, one] : [one])), asks: history.asks }
      expect(await differencesOf(live(set, twice))).toBeGreaterThan(0)
    })

    test('in the replay: a vector read one event too late', { timeout: 60_000 }, async () => {
      const { events } = history
      const shifted = events.map((one, i) => (one.event.kind === 'application' && i + 1 < events.length ? events[i + 1]! : one))
      const leaked = events.flatMap((one, i) => (shifted[i] === one ? [one] : [shifted[i]!, one]))
      expect(await differencesOf(live(set, { events: leaked, asks: history.asks }))).toBeGreaterThan(0)
    })

    test.for([
      ['a window closed at its open end', 'AND time > ', 'AND time >= '],
      ['events of later positions', 'WHERE e.offset < a.offset', 'WHERE 1'],
      ['a population deviation for a sample one', 'stddevSamp', 'stddevPop'],
      ['the wrong end of time', 'argMinIf', 'argMaxIf'],
    ] as const)('in the SQL: %s', { timeout: 60_000 }, async ([, right, wrong]) => {
      expect(await differencesOf(live(set, history), (sql) => sql.replaceAll(right, wrong))).toBeGreaterThan(0)
    })
  })
})
