import { describe, expect, test } from 'vitest'
import { compile } from '#features/compile/compile.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { creditV1Capacities as capacities, creditV1Definitions as definitions } from '#features/definitions/credit-v1.ts'
import type { Definition } from '#features/language/feature.ts'
import { months } from '#features/language/window.ts'

/** Changes only with a decision: every published model names the set it was trained on. */
const GOLDEN = 'c730d1341077dee1efaa0d545f879d0c6a1b71234a3de1e769d5dde83dcb09b3'

const hashOf = (changed: readonly Definition[]): string => compile({ definitions: changed, capacities }).hash

/** One change to what a definition computes. */
const altered = (definition: Definition): Definition => {
  switch (definition.kind) {
    case 'aggregate':
      if (definition.window.kind === 'months') return { ...definition, window: months(definition.window.months + 1) }
      return { ...definition, how: { ...definition.how, version: definition.how.version + 1 } }
    case 'stated':
      return { ...definition, field: definition.field === 'amount' ? 'termMonths' : 'amount' }
    case 'ratio':
      return { ...definition, divisor: altered(definition.divisor) }
    case 'derived':
      return { ...definition, node: { op: 'absolute', of: definition.node } }
  }
}

describe('the hash of a feature set', () => {
  test('of version 1 is pinned', () => {
    expect(creditFeatureSet.hash).toBe(GOLDEN)
    expect(hashOf([...definitions])).toBe(GOLDEN)
  })

  test('changes with any definition, each differently', () => {
    const hashes = definitions.map((_, i) => hashOf(definitions.map((definition, j) => (i === j ? altered(definition) : definition))))
    expect(new Set([GOLDEN, ...hashes]).size).toBe(definitions.length + 1)
  })

  test('changes with name, order, number and capacity', () => {
    const renamed = definitions.map((definition, i) => (i === 5 ? { ...definition, name: `${definition.name}x` } : definition))
    const swapped = [definitions[1]!, definitions[0]!, ...definitions.slice(2)]
    const larger = compile({ definitions, capacities: { ...capacities, payment: 33 } }).hash
    expect(new Set([GOLDEN, hashOf(renamed), hashOf(swapped), hashOf(definitions.slice(1)), larger]).size).toBe(5)
  })

  test('does not change with wording', () => {
    expect(hashOf(definitions.map((definition) => ({ ...definition, description: 'reworded', unit: 'reworded' })))).toBe(GOLDEN)
  })

  test('a name defined twice is refused', () => {
    expect(() => compile({ definitions: [definitions[0]!, definitions[0]!], capacities })).toThrow(/amount.stated.now" is defined twice/)
  })

  test('a kind without a declared capacity is refused', () => {
    expect(() => compile({ definitions, capacities: { statement: 12, application: 12 } })).toThrow(
      /capacity for payment events .* got undefined/,
    )
  })
})
