/** Encoders fitted on training rows, and rows as a member sees them. */
import type { EncodedColumn } from '#registry/manifest.ts'
import { type Dataset, takeRows } from '../dataset.ts'
import { assignFolds, rowsWhere } from '../folds.ts'
import { monotoneBins } from '../monotone-bins.ts'
import { oneHotColumns, targetColumn } from './category-columns.ts'
import { columnOf, encode } from './encoded-column.ts'
import type { MemberColumn } from './fold-into-trees.ts'
import { numericColumns } from './numeric-columns.ts'
import type { PreparationStep, TargetStep, WoeStep } from './preparation.ts'

type Direction = 1 | -1

export interface FitContext {
  /** Names in vector order. */
  readonly features: readonly string[]
  /** Directions credit sense demands, by feature index. */
  readonly directions: ReadonlyMap<number, Direction>
  /** Of the folds that bad rates of training rows come from. */
  readonly seed: number
}

export interface FittedPreparation {
  /** What the member sees, in order. */
  readonly columns: readonly MemberColumn[]
  /** Demanded directions by place in `columns`. */
  readonly directions: ReadonlyMap<number, Direction>
  /** Any rows as the member sees them. */
  encoded(data: Dataset): Dataset
  /** The rows it was fitted on: bad rates of each come from other clients. */
  readonly training: Dataset
}

interface FittedStep {
  readonly columns: readonly EncodedColumn[]
  readonly directions: readonly (Direction | undefined)[]
}

/** Folds that bad rates of training rows are taken across. */
const TARGET_FOLDS = 5

const valuesOf = ({ values, rows, columns }: Dataset, feature: number): Float32Array =>
  Float32Array.from({ length: rows }, (_, row) => values[row * columns + feature]!)

const woeColumn = ({ feature }: WoeStep, values: Float32Array, labels: Uint8Array, direction: Direction | undefined): EncodedColumn => {
  const bins = monotoneBins(values, labels, direction, 'optimal')
  // Evidence of nothing, for goods and bads alike: other rows may well tell bins apart, so a fold without them is no error.
  if (bins === null) return columnOf(feature, 'woe', [{ upTo: Infinity, value: 0 }], 0)
  const pieces = bins.woe.map((value, bin) => ({ upTo: bins.edges[bin] ?? Infinity, value }))
  return columnOf(feature, 'woe', pieces, bins.missingWoe)
}

const fitStep = (step: PreparationStep, values: Float32Array, labels: Uint8Array, direction: Direction | undefined): FittedStep => {
  const free = (columns: readonly EncodedColumn[]): FittedStep => {
    if (direction !== undefined)
      throw new RangeError(
        `${step.feature} may only ${direction === 1 ? 'raise' : 'lower'} the risk, which "how: ${step.how}" cannot keep; use "how: woe" or "how: numeric"`,
      )
    return { columns, directions: columns.map(() => undefined) }
  }
  switch (step.how) {
    case 'numeric': {
      const columns = numericColumns(step, values)
      return { columns, directions: columns.map((_, index) => (index === 0 ? direction : undefined)) }
    }
    case 'one-hot':
      return free(oneHotColumns(step, values))
    case 'target':
      return { ...free([targetColumn(step, values, labels)]), directions: [1] }
    case 'woe':
      // Positive evidence is that of a safer applicant.
      return { columns: [woeColumn(step, values, labels, direction)], directions: [-1] }
  }
}

const indexOf = (features: readonly string[], name: string): number => {
  const index = features.indexOf(name)
  if (index === -1) throw new RangeError(`preparation names "${name}", which is no feature`)
  return index
}

const encodeRows = (data: Dataset, columns: readonly MemberColumn[]): Dataset => {
  const values = new Float32Array(data.rows * columns.length)
  for (const [at, { source, encoded }] of columns.entries())
    for (let row = 0; row < data.rows; row++) {
      const value = data.values[row * data.columns + source]!
      values[row * columns.length + at] = encoded === null ? value : encode(encoded, value)
    }
  return { ...data, columns: columns.length, values }
}

/** Each training row's smoothed bad rate by a column that was fitted without its fold. */
const outOfFold = (step: TargetStep, data: Dataset, feature: number, folds: Uint8Array, into: Dataset, at: number): void => {
  const values = valuesOf(data, feature)
  for (const fold of new Set(folds)) {
    const others = rowsWhere(folds, (other) => other !== fold)
    const part = takeRows(data, others)
    const column = targetColumn(step, valuesOf(part, feature), part.labels)
    for (const row of rowsWhere(folds, (other) => other === fold)) into.values[row * into.columns + at] = encode(column, values[row]!)
  }
}

/** @throws RangeError naming feature, step and remedy where a step does not fit its feature. */
export const fitPreparation = (
  steps: readonly PreparationStep[],
  data: Dataset,
  { features, directions, seed }: FitContext,
): FittedPreparation => {
  const replaced = new Set(steps.filter(({ keep }) => keep !== true).map(({ feature }) => indexOf(features, feature)))
  const columns: MemberColumn[] = []
  const demanded = new Map<number, Direction>()
  const add = (source: number, encoded: EncodedColumn | null, direction: Direction | undefined): void => {
    if (direction !== undefined) demanded.set(columns.length, direction)
    columns.push({ source, encoded })
  }
  for (const source of features.keys()) if (!replaced.has(source)) add(source, null, directions.get(source))
  const targets: { readonly step: TargetStep; readonly source: number; readonly at: number }[] = []
  for (const step of steps) {
    const source = indexOf(features, step.feature)
    if (step.how === 'target') targets.push({ step, source, at: columns.length })
    const fitted = fitStep(step, valuesOf(data, source), data.labels, directions.get(source))
    for (const [index, column] of fitted.columns.entries()) add(source, column, fitted.directions[index])
  }
  const training = encodeRows(data, columns)
  if (targets.length > 0) {
    const folds = assignFolds(data, TARGET_FOLDS, seed)
    for (const { step, source, at } of targets) outOfFold(step, data, source, folds, training, at)
  }
  return { columns, directions: demanded, training, encoded: (other) => encodeRows(other, columns) }
}
