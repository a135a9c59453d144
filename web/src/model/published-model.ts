/** A model as `/v1/models` describes it. */
export interface Metric {
  readonly value: number
  readonly low: number
  readonly high: number
}

export interface PublishedModel {
  readonly name: string
  readonly version: string
  readonly aliases: readonly string[]
  readonly bundleHash: string
  readonly parent: string | null
  readonly featureSetHash: string
  readonly features: number
  readonly members: readonly { readonly name: string; readonly kind: string; readonly weight: number }[]
  readonly cutOffs: { readonly refer: number; readonly decline: number }
  readonly metrics: Readonly<Record<string, Metric>>
  readonly data: { readonly source: string; readonly rows: number; readonly holdoutRows: number; readonly badRate: number }
  readonly seed: number
}
