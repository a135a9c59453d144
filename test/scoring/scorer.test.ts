import { beforeAll, describe, expect, test } from 'vitest'
import type { DegradeStep } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { readBundle, type Bundle } from '#scoring/bundle.ts'
import { ensembleOf, type Ensemble } from '#scoring/ensemble.ts'
import { pointsScale } from '#scoring/points.ts'
import { parsePolicy } from '#scoring/policy/parse-policy.ts'
import { reasonRanking } from '#scoring/reasons.ts'
import { scorerOf } from '#scoring/scorer.ts'
import { readFileSync } from 'node:fs'
import { application, background, featureSet, fixturePath, loadOptions, manifest } from './fixture.ts'

let bundle: Bundle
let ensemble: Ensemble
const policy = parsePolicy(readFileSync(fixturePath('policy.yaml')), 'policy.yaml', manifest.features)
beforeAll(async () => {
  bundle = await readBundle(loadOptions.bundleDir, featureSet)
  ensemble = ensembleOf(bundle, 'interventional')
})
const scorer = (changes: Partial<Ensemble> = {}) =>
  scorerOf({
    ensemble: { ...ensemble, ...changes },
    policy,
    cutOffs: manifest.cutOffs,
    ranking: reasonRanking(manifest.reasonGroups, manifest.features),
    features: manifest.features.length,
    points: pointsScale(manifest.points).of,
    now: () => 0,
    identity: { modelVersion: 'm@1', bundleHash: bundle.hash, policyVersion: policy.version, featureSetHash: manifest.featureSetHash },
  })
const row = background()
const decide = (degrade: DegradeStep | null, changes?: Partial<Ensemble>, event = application) =>
  scorer(changes).decide(event, row, 0, degrade)
const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0)

describe('verdicts', () => {
  test('two verdicts share no array, so that one may be kept while the next is made', () => {
    const each = scorer()
    const first = each.decide(application, row, 0, null)
    const kept = structuredClone(first)
    each.decide(application, row, 64, null)
    expect(first).toEqual(kept)
  })
  test('an application of the holdout is not in training', () => {
    const verdicts = ['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'a-6', 'a-7', 'a-8'].map((applicantId) =>
      decide(null, {}, { ...application, applicantId } as ApplicationEvent),
    )
    expect(new Set(verdicts.map(({ inTraining }) => inTraining)).size).toBe(2)
  })
  test('a rule overrides a lenient score, the score is still computed, and the rule is the first reason', () => {
    const verdict = decide(null, {}, { ...application, amount: 100_000_001 } as ApplicationEvent)
    expect(verdict).toMatchObject({ decision: 'refer', ruleHit: 'amount-above-authority', margin: decide(null).margin })
    expect(verdict.reasons[0]).toMatchObject({ code: 'AMOUNT-ABOVE-AUTHORITY', contribution: 0, rank: 1 })
    expect(verdict.reasons.length).toBeLessThanOrEqual(4)
  })
})

describe('rows prepared together', () => {
  const rows = 20
  test('give the verdicts that each row gets alone, whatever is given up', () => {
    const each = scorer()
    const prepared = each.prepare(row, rows)!
    for (let r = 0; r < rows; r++)
      for (const degrade of [null, 'explanation-deferred', 'scorecard', 'referred'] as const) {
        const at = r * manifest.features.length
        expect(each.decide(application, row, at, degrade, prepared)).toEqual(each.decide(application, row, at, degrade))
      }
  })
  test('are undefined where a member throws; one that gives no number degrades its own row alone', () => {
    const changed = (batch: Ensemble['members'][number]['batch']) =>
      scorer({ members: ensemble.members.map((member) => (member.name === 'trees' ? { ...member, batch } : member)) })
    const trap = changed(() => {
      throw new Error('trap')
    })
    expect(trap.prepare(row, rows)).toBeUndefined()
    const gap = changed((vectors, count) => ensemble.members[0]!.batch(vectors, count).fill(NaN, 1, 2))
    const prepared = gap.prepare(row, rows)
    const [first, second, third] = [0, 1, 2].map((r) => gap.decide(application, row, r * manifest.features.length, null, prepared).degraded)
    expect([first, second, third]).toEqual([null, 'scorecard', null])
  })
})

describe('degrade steps', () => {
  test('explanation-deferred leaves the score as it is, and explains nothing', () => {
    const [deferred, full] = [decide('explanation-deferred'), decide(null)]
    expect(deferred).toEqual({ ...full, attributions: new Float64Array(0), residual: 0, reasons: [], degraded: 'explanation-deferred' })
  })
  test.each(['scorecard', 'smaller-ensemble'] as const)(
    '%s lets the scorecard decide alone, with its own base and exact attributions',
    (step) => {
      const verdict = decide(step)
      expect(verdict).toMatchObject({ degraded: 'scorecard', base: ensemble.fallback.base })
      expect(verdict.memberMargins).toEqual([{ member: 'scorecard', margin: verdict.margin }])
      expect(Math.abs(verdict.margin - verdict.base - total(verdict.attributions))).toBeLessThan(1e-12)
      expect(verdict.reasons.length).toBeGreaterThan(0)
      const { slope, intercept } = manifest.fallback.calibration as { slope: number; intercept: number }
      expect(verdict.probability).toBeCloseTo(1 / (1 + Math.exp(-(slope * verdict.margin + intercept))), 12)
    },
  )
  test('referred consults no model and says so', () => {
    const verdict = decide('referred')
    expect(verdict).toMatchObject({ decision: 'refer', degraded: 'referred', margin: ensemble.base, residual: 0, memberMargins: [] })
    expect(verdict.reasons.map(({ code }) => code)).toEqual(['NOT-SCORED-AUTOMATICALLY'])
  })
  test.each([
    [
      'throws',
      (): number => {
        throw new Error('trap')
      },
    ],
    ['gives NaN', () => NaN],
    ['gives infinity', () => Infinity],
  ])('a member that %s leaves the decision to the scorecard, exactly as if asked for', (_, one) => {
    const members = ensemble.members.map((member) => (member.name === 'trees' ? { ...member, one } : member))
    const failing = scorer({ members })
    expect(failing.decide(application, row, 0, null)).toEqual(decide('scorecard'))
    expect(String(failing.lastFailure())).toMatch(/trap|member trees gave the margin/)
    failing.decide(application, row, 0, 'scorecard')
    expect(failing.lastFailure()).toBeNull()
  })
  test('a scorecard that fails too leaves the decision to a person', () => {
    const failing = { ...ensemble.fallback.member, one: () => NaN }
    const changes = { members: [failing, failing], fallback: { ...ensemble.fallback, member: failing } }
    expect(decide(null, changes)).toEqual(decide('referred'))
  })
})
