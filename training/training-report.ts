/** Everything a fit found out: what the manifest, the model card and the console are written from. */
import type { Interval } from '#registry/manifest.ts'
import type { CalibrationChoice } from './calibration.ts'
import type { CutOffCheck } from './cut-offs.ts'
import type { FitProgress, NestedResult } from './nested-validation.ts'
import type { Scorecard } from './scorecard.ts'
import type { Stack } from './stack.ts'

export interface TrainingReport {
  readonly events: number
  readonly trainingRows: number
  readonly holdoutRows: number
  readonly unlabelled: number
  readonly badRate: number
  readonly validation: Omit<NestedResult, 'outOfFold'>
  readonly scorecard: Scorecard
  readonly stack: Stack
  readonly calibration: CalibrationChoice
  readonly cutOff: CutOffCheck
  /** Shares of training applications that the cut-offs approve, refer and decline, out of fold. */
  readonly shares: { readonly approve: number; readonly refer: number; readonly decline: number }
  /** Ensemble on the holdout, then `trees…`, `scorecard…` and `outOfFold…` AUC. */
  readonly metrics: Readonly<Record<string, Interval>>
}

export type TrainingProgress =
  | { readonly kind: 'replay'; readonly events: number; readonly applications: number }
  | ({ readonly kind: 'fit' } & FitProgress)
  | { readonly kind: 'stage'; readonly what: string }
