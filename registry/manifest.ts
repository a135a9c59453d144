/** What a model bundle says of itself. The directory `models/<name>/<version>/` holds this as `manifest.json` beside its files. */

export interface Interval {
  readonly value: number
  /** Bounds of the 95 % interval. */
  readonly low: number
  readonly high: number
}

/**
 * A column that a member was fitted on beside or in place of a feature: a function of that feature alone, constant piece by piece or the feature itself.
 * The member's graph takes features as they are: its splits on this column stand in it as the splits of the feature that they amount to.
 */
export interface EncodedColumn {
  /** `<feature>:<what>`, e.g. `…last.6mo:is(2)`. */
  readonly name: string
  readonly feature: string
  /** Ascending float32; piece i holds for edges[i − 1] < x <= edges[i], the last one beyond every edge. */
  readonly edges: readonly number[]
  /** One more than edges: the float32 value there, or null where the feature's own value stands. */
  readonly pieces: readonly (number | null)[]
  /** Value where the feature is missing; null: missing there, too. */
  readonly missing: number | null
}

/** One model of an ensemble: an ONNX graph `features: float32[N, d] → margin: float32[N, 1]` in log-odds of bad. */
export interface Member {
  readonly name: string
  /** `trees`: a gradient-boosted ensemble; `scorecard`: one single-feature tree of weight-of-evidence bins per feature. Both are TreeEnsembleRegressor graphs. */
  readonly kind: 'trees' | 'scorecard'
  readonly file: string
  /** Weight of this member's margin in the ensemble margin. */
  readonly weight: number
  /** What cleaning and encoding made of features for this member; absent where it was fitted on features as they are. */
  readonly encoded?: readonly EncodedColumn[]
}

/** Monotone map from ensemble margin to probability of bad. */
export type Calibration =
  | { readonly kind: 'platt'; readonly slope: number; readonly intercept: number }
  | { readonly kind: 'isotonic'; readonly margins: readonly number[]; readonly probabilities: readonly number[] }

export interface ReasonGroup {
  readonly code: string
  readonly group: string
  /** Plain words, as they would stand in an adverse-action notice. */
  readonly text: string
  readonly features: readonly string[]
}

export interface ReferenceDistribution {
  readonly feature: string
  /** Inner edges of reference-quantile bins, ascending; k edges make k + 1 bins. */
  readonly edges: readonly number[]
  /** Share of the reference in each bin, then the share missing. */
  readonly shares: readonly number[]
  /** Least and greatest known value; absent where none was known, and in bundles made before they were recorded. */
  readonly low?: number
  readonly high?: number
}

export interface Manifest {
  readonly format: 1
  readonly name: string
  readonly version: string
  readonly parent: string | null
  readonly featureSetHash: string
  /** Names in vector order. */
  readonly features: readonly string[]
  readonly members: readonly Member[]
  /** Ensemble margin = intercept + Σ weight · member margin. */
  readonly combiner: { readonly kind: 'weighted-sum'; readonly intercept: number }
  readonly calibration: Calibration
  /** Member that decides alone when another fails; with its own calibration. */
  readonly fallback: { readonly member: string; readonly calibration: Calibration }
  /** Loss-based cut-offs on probability of bad: approve below the first, decline from the second, refer between. */
  readonly cutOffs: { readonly refer: number; readonly decline: number; readonly lossGivenDefault: number; readonly margin: number }
  readonly monotone: Readonly<Record<string, 1 | -1>>
  readonly background: { readonly file: string; readonly rows: number; readonly rule: string }
  readonly golden: { readonly file: string; readonly rows: number; readonly toleranceMargin: number }
  readonly reference: readonly ReferenceDistribution[]
  readonly scoreReference: ReferenceDistribution
  readonly reasonGroups: readonly ReasonGroup[]
  readonly points: { readonly pdo: number; readonly score: number; readonly odds: number }
  /** Bins of the scorecard member for people: edges, weight of evidence, points. */
  readonly scorecard: readonly {
    readonly feature: string
    readonly edges: readonly number[]
    readonly woe: readonly number[]
    readonly points: readonly number[]
    readonly iv: number
    readonly missing: { readonly woe: number; readonly points: number }
  }[]
  readonly data: {
    readonly source: string
    readonly sha256: string
    readonly rows: number
    readonly holdoutRows: number
    readonly badRate: number
  }
  readonly metrics: Readonly<Record<string, Interval>>
  readonly training: { readonly seed: number; readonly library: string; readonly parameters: Readonly<Record<string, unknown>> }
  /** CPU time of the fit as measured, and the energy it stands for; outside the reproducible bytes, in `training-run.json`. */
  readonly files: Readonly<Record<string, string>>
}

/** A row of `golden.json`: what every runtime must reproduce. `null` in a vector is NaN (missing). */
export interface GoldenRow {
  readonly vector: readonly (number | null)[]
  readonly memberMargins: Readonly<Record<string, number>>
  readonly margin: number
  readonly probability: number
}
