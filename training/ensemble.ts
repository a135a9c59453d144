/** The fitted model as it ships: exported members, their stack and calibrations. */
import type { Calibration, EncodedColumn, GoldenRow } from '#registry/manifest.ts'
import type { TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { calibrate } from './calibration.ts'
import type { Dataset } from './dataset.ts'
import type { Stack } from './stack.ts'
import { asExported, treeMargin } from './tree-margin.ts'

interface EnsembleMember {
  readonly name: string
  readonly kind: 'trees' | 'scorecard'
  readonly ensemble: TreeEnsemble
  readonly encoded?: readonly EncodedColumn[]
}

export interface Ensemble {
  readonly members: readonly EnsembleMember[]
  readonly stack: Stack
  readonly calibration: Calibration
}

/** The ensemble with its members rounded to what their ONNX graphs hold. */
export const exported = ({ members, ...rest }: Ensemble): Ensemble => ({
  members: members.map((member) => ({ ...member, ensemble: asExported(member.ensemble) })),
  ...rest,
})

export type EnsembleScore = Pick<GoldenRow, 'memberMargins' | 'margin' | 'probability'>

/** Scores the row at `rows[at .. at + d)` by the plain evaluator. */
export const scoreRow = ({ members, stack, calibration }: Ensemble, rows: Float32Array, at: number): EnsembleScore => {
  const margins = members.map(({ ensemble }) => treeMargin(ensemble, rows, at))
  const margin = stack.weights.reduce((sum, weight, member) => sum + weight * margins[member]!, stack.intercept)
  return {
    memberMargins: Object.fromEntries(members.map(({ name }, member) => [name, margins[member]!])),
    margin,
    probability: calibrate(calibration, margin),
  }
}

export const scoreRows = (ensemble: Ensemble, data: Dataset): EnsembleScore[] =>
  Array.from({ length: data.rows }, (_, row) => scoreRow(ensemble, data.values, row * data.columns))
