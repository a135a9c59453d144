/** What training is told to do with features before a member is fitted on them. */
import type { Binning } from '../monotone-bins.ts'

/** Fills gaps, caps outliers. Monotone: a demanded direction stays. */
export interface NumericStep {
  readonly how: 'numeric'
  readonly feature: string
  /** What a missing value becomes; missing stays where left out. */
  readonly impute?: 'median' | 'mean' | 'most-frequent' | number
  /** A further column, 1 where the value was missing and 0 elsewhere. */
  readonly indicator?: boolean
  /** Shares of the known values below and above which they are capped (winsorised), e.g. [0.005, 0.995]. */
  readonly clip?: readonly [number, number]
}

/** One column a value seen in training, missing among them where it was; a value not seen then has 0 in each. */
export interface OneHotStep {
  readonly how: 'one-hot'
  readonly feature: string
}

/** Smoothed bad rate of each value; of the rows that a member learns from, by the outcomes of other clients. Unseen: the bad rate of all. */
export interface TargetStep {
  readonly how: 'target'
  readonly feature: string
  /** Rows of average risk that each value's rate is mixed with. */
  readonly smoothing?: number
}

/** Weight of evidence of optimal monotone bins. */
export interface WoeStep {
  readonly how: 'woe'
  readonly feature: string
}

export type PreparationStep = (NumericStep | OneHotStep | TargetStep | WoeStep) & {
  /** The feature itself stays beside what was made of it. */
  readonly keep?: boolean
}

export interface Preparation {
  /** What the tree member sees of these features; of all others it sees the feature. */
  readonly trees: readonly PreparationStep[]
  /** How the scorecard, which sees nothing but weights of evidence, finds its bins. */
  readonly scorecard: { readonly binning: Binning }
}

export const SMOOTHING_ROWS_DEFAULT = 20
