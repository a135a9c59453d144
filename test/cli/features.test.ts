import { describe, expect, test } from 'vitest'
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { scorestream } from './command-line.ts'

describe('scorestream features', () => {
  test('lists every feature with window, lineage, error bound, privacy class and bytes', async () => {
    const { code, stdout } = await scorestream(['features', '--json'])
    expect(code).toBe(0)
    const { hash, stateBytes, features } = JSON.parse(stdout) as { hash: string; stateBytes: number; features: Record<string, unknown>[] }
    expect([hash, stateBytes, features.length]).toEqual([creditFeatureSet.hash, 992, 70])
    expect(features.find(({ name }) => name === 'applicant.statement.paidShare.mean.3mo')).toMatchObject({
      window: '3mo',
      unit: 'share of bill',
      lineage: ['statement.closingBalance', 'payment.amount'],
      errorBound: '1e-9 relative',
      pii: 'sensitive',
      from: [],
    })
    expect(features.find(({ name }) => name === 'applicant.payment.amount.sum.3mo')).toMatchObject({
      errorBound: 'exact',
      memory: '32 payment events',
    })
    expect(features.find(({ name }) => name === 'applicant.application.amountToIncome.ratio.now')).toMatchObject({
      from: ['applicant.application.amount.stated.now', 'applicant.application.incomeMonthly.stated.now'],
    })
  })

  test('finds by words, and says so where nothing matches', async () => {
    const { code, stdout } = await scorestream(['features', 'utilisation', 'slope'])
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(3)
    expect((await scorestream(['features', 'horoscope'])).code).toBe(1)
  })

  test('writes the set as one SQL statement', async () => {
    const { code, stdout } = await scorestream(['features', '--format', 'sql'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^WITH\nasks AS /)
    expect((await scorestream(['features', '--format', 'xml'])).code).toBe(64)
  })

  test('lists and writes as SQL the set with linked entities, whose parts have states of their own', async () => {
    const { code, stdout } = await scorestream(['features', '--set', 'credit-linked-v1', '--json', 'device'])
    expect(code).toBe(0)
    const { hash, features } = JSON.parse(stdout) as {
      hash: string
      features: { name: string; position: number; memory: string; lineage: string[] }[]
    }
    expect(hash).toBe(creditLinkedFeatureSet.hash)
    expect(features).toHaveLength(5)
    expect(features[0]).toMatchObject({
      name: 'device.application.applicantId.distinct.7d',
      position: 70,
      memory: '64 application events',
      lineage: ['application.applicantId'],
      pii: 'pseudonym',
    })
    const sql = await scorestream(['features', '--set', 'credit-linked-v1', '--format', 'sql'])
    expect(sql.stdout).toMatch(/FROM links WHERE entity = 'address'/)
    expect((await scorestream(['features', '--set', 'credit-linked'])).stderr).toMatch(/did you mean "credit-linked-v1"/)
  })
})
