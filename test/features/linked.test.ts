import { describe, expect, test } from 'vitest'
import { count } from '#features/aggregates/count.ts'
import { distinct } from '#features/aggregates/distinct.ts'
import { max } from '#features/aggregates/max.ts'
import { sum } from '#features/aggregates/sum.ts'
import { compile } from '#features/compile/compile.ts'
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { creditV1Capacities, creditV1Definitions } from '#features/definitions/credit-v1.ts'
import { derive, plus } from '#features/language/derived.ts'
import { feature, ratio } from '#features/language/feature.ts'
import { days, hopping } from '#features/language/window.ts'
import { linkedCatalogue } from '#features/linked/linked-catalogue.ts'
import { linkedFeatureSet } from '#features/linked/linked-feature-set.ts'
import { of } from '#features/linked/of.ts'
import { readLinked } from '#features/linked/read-linked.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { applicationAt, START } from './streams-of-events.ts'

const on = 'application'
const window = days(30)
const shared = of('device').feature({ on, text: 'applicantId', how: distinct(), window })
const asked = of('device').feature({ on, how: count(), window })
const employed = of('employer').feature({ on, field: 'amount', how: max(), window })
const linkedCapacities = { device: { application: 8 }, employer: { application: 4 } }
const set = linkedFeatureSet({
  definitions: [shared, ...creditV1Definitions, employed, asked],
  capacities: creditV1Capacities,
  linkedCapacities,
})

describe('definitions of linked entities', () => {
  test('name their entity and say what they mean', () => {
    expect(shared.name).toBe('device.application.applicantId.distinct.30d')
    expect(asked.name).toBe('device.application.event.count.30d')
    expect(employed).toMatchObject({ by: 'employer', unit: 'minor currency units' })
  })

  test('are over applications alone: nothing else names a device', () => {
    expect(() => feature({ on: 'payment', by: 'device', how: count(), window })).toThrow(/a payment names no device/)
  })

  test('cannot be over partial results, where an application would count itself', () => {
    expect(() => of('address').feature({ on, how: count(), window: hopping(days(30), days(1)) })).toThrow(/would count itself/)
  })

  test('an applicant has one id: counting ids is refused', () => {
    expect(() => feature({ on, by: 'applicant', text: 'applicantId', how: distinct(), window })).toThrow(/have one applicantId/)
  })

  test('are not computed with those of another entity', () => {
    expect(() => ratio('x', { dividend: asked, divisor: creditV1Definitions[0]!, description: 'x' })).toThrow(/one entity/)
    expect(() => derive('x', plus(asked, employed), { description: 'x' })).toThrow(/one entity/)
    expect(() => compile({ definitions: [asked, ...creditV1Definitions], capacities: creditV1Capacities })).toThrow(/linkedFeatureSet/)
  })
})

describe('a feature set over linked entities', () => {
  const at = (day: number, more: Partial<ApplicationEvent> = {}): ApplicationEvent => applicationAt(START + day * 86_400_000, 100, more)

  test('keeps the applicant’s part as it was, state and numbers', () => {
    expect(set.stateBytes).toBe(creditFeatureSet.stateBytes)
    expect(set.own.hash).toBe(creditFeatureSet.hash)
    const vector = new Float32Array(set.size)
    const own = new Float32Array(creditFeatureSet.size)
    const state = set.emptyState()
    set.fold(state, at(1))
    set.vector(state, at(9), vector, 0)
    creditFeatureSet.vector(state, at(9), own, 0)
    expect(vector.slice(1, 1 + own.length)).toEqual(own)
  })

  test('places what it reads of an entity, and leaves missing what the application does not name', () => {
    const [device, employer] = set.linked
    const state = device!.set.emptyState()
    for (const day of [1, 5, 6]) device!.set.fold(state, at(day))
    const vector = new Float32Array(set.size).fill(7)
    readLinked(device!, state, at(6.5), vector, 0)
    readLinked(employer!, undefined, at(6.5), vector, 0)
    expect([vector[0], vector.at(-1), vector.at(-2)]).toEqual([1, 3, Number.NaN])
    expect(vector.slice(1, -2).every((value) => value === 7)).toBe(true)
  })

  test('an entity nothing is known of counts 0, and its extremes are missing', () => {
    const vector = new Float32Array(set.size)
    for (const part of set.linked) readLinked(part, part.set.emptyState(), at(3), vector, 0)
    expect([vector[0], vector.at(-1), vector.at(-2)]).toEqual([0, 0, Number.NaN])
  })

  test('has a hash of its own, and one of its linked parts that the applicant’s features do not touch', () => {
    const fewer = linkedFeatureSet({
      definitions: [shared, ...creditV1Definitions.slice(1), employed, asked],
      capacities: creditV1Capacities,
      linkedCapacities,
    })
    const wider = linkedFeatureSet({
      definitions: [shared, ...creditV1Definitions, employed, of('device').feature({ on, field: 'amount', how: sum(), window })],
      capacities: creditV1Capacities,
      linkedCapacities,
    })
    expect(new Set([set.hash, fewer.hash, wider.hash, creditFeatureSet.hash]).size).toBe(4)
    expect(fewer.linkedHash).toBe(set.linkedHash)
    expect(wider.linkedHash).not.toBe(set.linkedHash)
  })

  test('a capacity that is not declared is refused', () => {
    expect(() =>
      linkedFeatureSet({ definitions: [...creditV1Definitions, asked], capacities: creditV1Capacities, linkedCapacities: {} }),
    ).toThrow(/capacity for application events/)
  })
})

test('credit-linked-v1 is credit-v1, unchanged, and what it names; an entity’s state stays within a kilobyte or two', () => {
  expect(creditLinkedFeatureSet.own.hash).toBe(creditFeatureSet.hash)
  expect(creditLinkedFeatureSet.ownAt).toEqual(creditFeatureSet.features.map((_, place) => place))
  expect(creditLinkedFeatureSet.features.map(({ name }) => name)).toEqual(linkedCatalogue(creditLinkedFeatureSet).map(({ name }) => name))
  expect(creditLinkedFeatureSet.linked.map(({ entity, set: { stateBytes } }) => [entity, stateBytes])).toEqual([
    ['device', 1312],
    ['employer', 2080],
    ['address', 672],
  ])
})
