import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { creditV1Monotone, creditV1ReasonGroups } from '#features/definitions/credit-v1-reasons.ts'
import { isLeaf } from '#registry/onnx/tree-ensemble.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { loadBundleModel } from '#training/bundle-model.ts'
import { eventsFrom, replay } from '#training/dataset.ts'
import { lightGbmLearner } from '#training/lightgbm/learner.ts'
import { openLightGbm } from '#training/lightgbm/lightgbm.ts'
import { parsePreparation } from '#training/preparation/parse-preparation.ts'
import { preparedLearner } from '#training/preparation/prepared-learner.ts'
import { TAIWAN_SOURCE } from '#training/taiwan-source.ts'
import { train } from '#training/train.ts'
import { treeMargin } from '#training/tree-margin.ts'
import { lightGbmPath } from '../native-library.ts'

const CLIENTS = 2500
const FEATURES = creditFeatureSet.features.map(({ name }) => name)
const LAST_STATUS = 'applicant.statement.repaymentStatus.last.6mo'
const EARLIER_STATUS = 'applicant.statement.repaymentStatus.first.6mo'
const BALANCE = 'applicant.statement.closingBalance.mean.3mo'
const SINCE_PAYMENT = 'applicant.payment.event.days-since-last.ever'
const known = demoStream(readFileSync(join(import.meta.dirname, '../../../data/taiwan/taiwan-credit-default.csv.gz')))
  .events()
  .filter(({ applicantId }) => Number(applicantId.slice(3)) <= CLIENTS)
  .toArray()
const preparation = parsePreparation(
  `
trees:
  - { feature: ${LAST_STATUS}, how: woe, keep: true }
  - { feature: ${EARLIER_STATUS}, how: woe }
  - { feature: ${BALANCE}, how: numeric, impute: median, indicator: true, clip: [0.01, 0.99] }
  - { feature: ${SINCE_PAYMENT}, how: numeric, impute: -1, indicator: true }
  - { feature: applicant.statement.event.count.6mo, how: one-hot, keep: true }
  - { feature: applicant.payment.event.count.6mo, how: target, smoothing: 50 }
scorecard: { binning: optimal }
`,
  'preparation.yaml',
  FEATURES,
)
const out = mkdtempSync(join(tmpdir(), 'scorestream-prepared-'))
afterAll(() => rmSync(out, { recursive: true }))
/** Directions of features that are given no code. */
const coded = ['applicant.statement.event.count.6mo', 'applicant.payment.event.count.6mo']
const monotone = Object.fromEntries(Object.entries(creditV1Monotone).filter(([name]) => !coded.includes(name)))

describe.skipIf(lightGbmPath === null)('trees grown over prepared columns', () => {
  const learner = lightGbmPath === null ? null : lightGbmLearner(openLightGbm(lightGbmPath))
  test('give features the margins that the library gives their columns, and never go against a demanded direction', () => {
    const prepared = preparedLearner(learner!, preparation.trees, FEATURES)
    const { training, holdout } = replay(known, creditFeatureSet)
    const directions = new Map(Object.entries(monotone).map(([name, direction]) => [FEATURES.indexOf(name), direction] as const))
    const settings = { depth: 4, leaves: 12, rowsPerLeafMin: 20, ridge: 10, learningRate: 0.1, featureShare: 0.5, rowShare: 0.7 }
    const fitted = prepared.fit({ learner: prepared, seed: 1, directions, threads: 1 }, settings, training, 40, [holdout])
    const margin = (row: Float32Array): number => treeMargin(fitted.ensemble, row, 0)
    for (let row = 0; row < holdout.rows; row++) {
      const vector = holdout.values.slice(row * holdout.columns, (row + 1) * holdout.columns)
      expect(Math.abs(margin(vector) - fitted.margins[0]![row]!)).toBeLessThan(1e-12)
    }
    const status = FEATURES.indexOf(LAST_STATUS)
    expect(
      fitted.ensemble.trees.some((tree) => [...tree.feature.keys()].some((node) => !isLeaf(tree, node) && tree.feature[node] === status)),
    ).toBe(true)
    const someone = holdout.values.slice(0, holdout.columns)
    const risks = [-2, -1, 0, 1, 2, 3, 4].map((late) => margin(someone.with(status, late)))
    expect(risks).toEqual(risks.toSorted((a, b) => a - b))
  })
  test('train into a bundle that says what was prepared, scores features as they are and is explained by them', async () => {
    const options = {
      source: TAIWAN_SOURCE,
      featureSet: creditFeatureSet,
      monotone,
      reasonGroups: creditV1ReasonGroups,
      learner: learner!,
      plan: 'quick',
    } as const
    const result = await train({ ...options, events: eventsFrom(known), out, preparation })
    const [trees, scorecard] = result.manifest.members
    expect(trees!.encoded!.slice(0, 5).map(({ name }) => name)).toEqual([
      `${LAST_STATUS}:woe`,
      `${EARLIER_STATUS}:woe`,
      `${BALANCE}:clean`,
      `${BALANCE}:missing`,
      `${SINCE_PAYMENT}:clean`,
    ])
    expect(scorecard!.encoded).toBeUndefined()
    expect(result.manifest.training.parameters['preparation']).toEqual(preparation)
    // Through files, kernels, ONNX Runtime, golden rows and residuals of the attributions, as an engine loads it.
    const model = await loadBundleModel(result.directory, creditFeatureSet)
    expect(model.probabilities(result.holdout).every((probability) => probability > 0 && probability < 1)).toBe(true)
    expect(readFileSync(join(result.directory, 'MODEL_CARD.md'), 'utf8')).toContain(`\`${BALANCE}:clean\``)
  })
})

describe('a preparation file is refused', () => {
  test.each([
    [`trees: [{ feature: ${BALANCE}, how: numeric }]`, 'trees[0] needs impute, indicator or clip'],
    [`trees: [{ feature: ${BALANCE}, how: onehot }]`, 'trees[0].how is "onehot"; known: numeric, one-hot, target, woe'],
    [`trees: [{ feature: ${BALANCE}, how: woe, smooth: 1 }]`, 'trees[0] has no key "smooth"'],
    ['trees: [{ feature: applicant.statement.closingBalance.mean.3m, how: woe }]', `which is no feature; nearest: ${BALANCE}`],
    [`trees: [{ feature: ${BALANCE}, how: numeric, clip: [0.9, 0.1] }]`, 'trees[0].clip must be two shares, the lower one first'],
    ['scorecard: { binning: best }', 'scorecard.binning is "best"; known: merged, optimal'],
  ])('%s', (source, message) => {
    expect(() => parsePreparation(source, 'preparation.yaml', FEATURES)).toThrow(message)
  })
})
