/** A series of a time chart. */
export interface TimeSeries {
  readonly name: string
  /** Custom property of the style sheet. */
  readonly colour: `--${string}`
  readonly values: readonly (number | null)[]
  /** What the legend says instead of `values`: the part itself, where series are stacked. */
  readonly shown?: readonly (number | null)[]
  readonly fill?: boolean
  readonly dashed?: boolean
}
