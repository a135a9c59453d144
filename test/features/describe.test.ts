import { describe, expect, test } from 'vitest'
import { creditFeatureSet as set } from '#features/credit-v1.ts'
import { FEATURE_SETS } from '#features/sets.ts'
import { creditV1Monotone, creditV1ReasonGroups } from '#features/definitions/credit-v1-reasons.ts'
import { catalogue, featureTableMarkdown } from '#features/describe.ts'

const names = set.features.map((feature) => feature.name)

describe('the catalogue of version 1', () => {
  // `vitest run test/features/describe.test.ts --update` rewrites the file.
  test('docs/features.md is what the definitions say', async () => {
    await expect(featureTableMarkdown(set)).toMatchFileSnapshot('../../docs/features.md')
  })

  test('names, means and measures every feature', () => {
    expect(set.size).toBe(70)
    for (const { name, description, unit, kind, aggregate, window } of catalogue(set)) {
      expect(name).toMatch(/^applicant\.(application|statement|payment)\.[a-zA-Z-]+\.[a-z-]+\.[a-z0-9-]+$/)
      expect(name.split('.').slice(1, 2)).toEqual([kind])
      expect(name.split('.').slice(3)).toEqual([aggregate, window])
      expect(description.length, name).toBeGreaterThan(3)
      expect(unit.length, name).toBeGreaterThan(2)
    }
  })

  test('holds nothing protected', () => {
    for (const { name, pii } of catalogue(set)) {
      expect(pii, name).not.toBe('protected')
      expect(name).not.toMatch(/sex|gender|age\b|birth|marital|marriage|education|ethnic|race|religion/i)
    }
  })
})

describe('principal reasons of version 1', () => {
  test('put every feature into exactly one group', () => {
    expect(creditV1ReasonGroups.flatMap((group) => group.features).sort()).toEqual([...names].sort())
  })

  test('are a dozen groups with stable codes and plain text', () => {
    expect(creditV1ReasonGroups).toHaveLength(12)
    for (const { code, text } of creditV1ReasonGroups) {
      expect(code).toMatch(/^[A-Z]+(-[A-Z]+)*$/)
      expect(text.length).toBeGreaterThan(20)
    }
  })

  test('directions name features there are', () => {
    for (const name of Object.keys(creditV1Monotone)) expect(names).toContain(name)
  })
})

test.for(FEATURE_SETS)(
  '$name: every feature has one group of reasons, and a place in the catalogue',
  ({ set, reasonGroups, monotone, entries }) => {
    const all = set.features.map(({ name }) => name)
    expect(reasonGroups.flatMap((group) => group.features).toSorted()).toEqual(all.toSorted())
    expect(entries().map(({ name }) => name)).toEqual(all)
    for (const name of Object.keys(monotone)) expect(all).toContain(name)
  },
)
