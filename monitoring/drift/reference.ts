/** What features and score looked like when a model was fitted: the part of its manifest that drift is measured against. */

export interface ReferenceDistribution {
  readonly feature: string
  /** Inner edges of reference-quantile bins, ascending; `x <= edge` lies below. k edges make k + 1 bins. */
  readonly edges: readonly number[]
  /** Share of the reference in each bin, then the share missing. */
  readonly shares: readonly number[]
  /** Least and greatest value of the reference, where it recorded them: what lies outside was never seen. */
  readonly low?: number
  readonly high?: number
}

export interface ModelReference {
  /** name@version */
  readonly modelVersion: string
  /** In vector order. */
  readonly features: readonly ReferenceDistribution[]
  readonly score: ReferenceDistribution
  /** Rows behind the shares. */
  readonly rows: number
}

/** The reference of a model version, or undefined where its bundle is not at hand. Must always give the same answer for a version. */
export type ReferenceOf = (modelVersion: string) => ModelReference | undefined
