import { describe, expect, test } from 'vitest'
import { type Dataset, takeRows } from '#training/dataset.ts'
import { assignFolds, rowsWhere } from '#training/folds.ts'
import { lightGbmLearner } from '#training/lightgbm/learner.ts'
import { openLightGbm } from '#training/lightgbm/lightgbm.ts'
import { auc } from '#training/metrics/auc.ts'
import { nestedValidation } from '#training/nested-validation.ts'
import { seededRandom } from '#training/random.ts'
import { PLANS } from '#training/training-plan.ts'
import { lightGbmPath } from './native-library.ts'

const rows = 1500
const random = seededRandom(8)
const values = Float32Array.from({ length: rows * 3 }, () => random() * 4 - 2)
const data: Dataset = {
  rows,
  columns: 3,
  values,
  labels: Uint8Array.from({ length: rows }, (_, row) => Number(random() < 1 / (1 + Math.exp(1 - 1.5 * values[row * 3]!)))),
  applicantIds: Array.from({ length: rows }, (_, row) => `a${row}`),
}
const folds = assignFolds(data, PLANS.quick.folds, 1)
const [settings] = PLANS.quick.grid

describe.skipIf(lightGbmPath === null)('nested validation', () => {
  const task = () => ({ learner: lightGbmLearner(openLightGbm(lightGbmPath!)), seed: 1, directions: new Map(), threads: 1 })

  test('scores each fold without a label of it: turning them all round changes no margin there', async () => {
    const plan = { ...PLANS.quick, grid: [settings!, { ...settings!, depth: 2, leaves: 4 }] }
    const turned = { ...data, labels: data.labels.map((label, row) => (folds[row] === 0 ? 1 - label : label)) }
    const [honest, other] = [await nestedValidation(task(), plan, data, folds), await nestedValidation(task(), plan, turned, folds)]
    const inFold = rowsWhere(folds, (fold) => fold === 0)
    expect(other.outer[0]).toEqual(honest.outer[0])
    inFold.forEach((row) => expect(other.outOfFold[row]).toBe(honest.outOfFold[row]))
    const elsewhere = rowsWhere(folds, (fold) => fold !== 0)
    expect(elsewhere.some((row) => other.outOfFold[row] !== honest.outOfFold[row])).toBe(true)
  })
  test('finds the signal out of fold', async () => {
    const { outOfFold } = await nestedValidation(task(), PLANS.quick, data, folds)
    expect(auc(outOfFold, data.labels).value).toBeGreaterThan(0.8)
  })
  test('a curve ends by its own rows, however long another goes on', () => {
    const part = (fold: number): Dataset =>
      takeRows(
        data,
        rowsWhere(folds, (other) => other === fold),
      )
    const limits = { iterationsMax: 200, patience: 5 }
    const noise = { ...part(2), labels: part(2).labels.map((_, row) => row % 2) }
    const { learner } = task()
    const alone = learner.validationCurves(task(), settings!, part(0), [part(1)], limits)
    const together = learner.validationCurves(task(), settings!, part(0), [part(1), noise], limits)
    expect(together[0]).toEqual(alone[0])
  })
})
