/**
 * Nested cross-validation of the boosted trees, by client.
 *
 * With folds 1 … k, the inner folds of outer fold j are the other k − 1. A fit that leaves out folds {j, i} is validated on i for outer
 * fold j and on j for outer fold i, so k(k − 1)/2 fits a setting serve all k(k − 1) inner validations: half the work, same separation.
 * What scores fold j was chosen and fitted without a row of it.
 */
import { type Dataset, takeRows } from './dataset.ts'
import { rowsWhere } from './folds.ts'
import type { TreeSettings, TreeTask } from './boosted-trees.ts'

export interface ValidationPlan {
  readonly grid: readonly TreeSettings[]
  readonly folds: number
  readonly iterationsMax: number
  /** Early stopping: iterations without improvement on any validation fold. */
  readonly patience: number
}

/** A setting and the number of trees at which its mean inner log loss was least. */
interface Choice {
  readonly settings: TreeSettings
  readonly iterations: number
  readonly loss: number
}

export interface FitProgress {
  readonly done: number
  readonly total: number
  /** What was just fitted, e.g. `setting 3/8 without folds 1, 4`. */
  readonly what: string
  readonly iterations: number
  readonly logLoss: number
}

export interface NestedResult {
  /** Margin of each row by the fit of its outer fold. */
  readonly outOfFold: Float64Array
  /** The choice made for each outer fold. */
  readonly outer: readonly Choice[]
  /** The choice over all inner validations: what the final members are fitted with. */
  readonly final: Choice
}

/** curves[setting][outer][inner]: log loss by iteration on fold `inner`, of a fit without folds `outer` and `inner`. */
type Curves = number[][][][]

/** Mean of curves of unequal length, each continued by its last value. */
const meanCurve = (curves: readonly number[][]): number[] => {
  const length = Math.max(...curves.map((curve) => curve.length))
  return Array.from({ length }, (_, at) => curves.reduce((sum, curve) => sum + (curve[at] ?? curve.at(-1)!), 0) / curves.length)
}

const bestOf = (grid: readonly TreeSettings[], curvesOf: (setting: number) => readonly number[][]): Choice => {
  const choices = grid.map((settings, index) => {
    const mean = meanCurve(curvesOf(index))
    const loss = Math.min(...mean)
    return { settings, iterations: mean.indexOf(loss) + 1, loss }
  })
  return choices.reduce((best, choice) => (choice.loss < best.loss ? choice : best))
}

/** Rows outgrow those of the inner fits by this much; trees are added in proportion to its square root, between "same" and "in proportion". */
const grown = (iterations: number, rowsRatio: number): number => Math.round(iterations * Math.sqrt(rowsRatio))

/** Yields to the event loop between fits, so that progress is drawn and an interrupt is heard. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const nestedValidation = async (
  task: TreeTask,
  plan: ValidationPlan,
  data: Dataset,
  folds: Uint8Array,
  onProgress?: (progress: FitProgress) => void,
): Promise<NestedResult> => {
  const pairs = Array.from({ length: plan.folds }, (_, j) => Array.from({ length: j }, (__, i) => [i, j] as const)).flat()
  const total = plan.grid.length * pairs.length + plan.folds
  const curves: Curves = plan.grid.map(() => Array.from({ length: plan.folds }, () => Array.from({ length: plan.folds }, () => [])))
  let done = 0
  for (const [i, j] of pairs) {
    const parts = [i, j].map((fold) =>
      takeRows(
        data,
        rowsWhere(folds, (other) => other === fold),
      ),
    )
    const rest = takeRows(
      data,
      rowsWhere(folds, (fold) => fold !== i && fold !== j),
    )
    for (const [index, settings] of plan.grid.entries()) {
      const [onI, onJ] = task.learner.validationCurves(task, settings, rest, parts, plan) as [number[], number[]]
      curves[index]![j]![i] = onI
      curves[index]![i]![j] = onJ
      const what = `setting ${index + 1}/${plan.grid.length} without folds ${i + 1}, ${j + 1}`
      onProgress?.({ done: ++done, total, what, iterations: onI.length, logLoss: Math.min(...onI) })
      await breathe()
    }
  }
  const innerOf = (setting: number, outer: number): number[][] => curves[setting]![outer]!.filter((curve) => curve.length > 0)
  const outer = Array.from({ length: plan.folds }, (_, fold) => bestOf(plan.grid, (setting) => innerOf(setting, fold)))
  const outOfFold = new Float64Array(data.rows)
  for (const [fold, choice] of outer.entries()) {
    const scored = rowsWhere(folds, (other) => other === fold)
    const training = takeRows(
      data,
      rowsWhere(folds, (other) => other !== fold),
    )
    const iterations = grown(choice.iterations, (plan.folds - 1) / (plan.folds - 2))
    const { margins } = task.learner.fit(task, choice.settings, training, iterations, [takeRows(data, scored)])
    scored.forEach((row, index) => (outOfFold[row] = margins[0]![index]!))
    onProgress?.({ done: ++done, total, what: `outer fold ${fold + 1}`, iterations, logLoss: choice.loss })
    await breathe()
  }
  const every = bestOf(plan.grid, (setting) => outer.flatMap((_, fold) => innerOf(setting, fold)))
  return { outOfFold, outer, final: { ...every, iterations: grown(every.iterations, plan.folds / (plan.folds - 2)) } }
}
