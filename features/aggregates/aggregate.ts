/** *how*: an aggregate turns the values of the events in a window into one number. One algorithm a file. */
import type { Accumulator, Memory } from '../accumulators/accumulator.ts'
import type { Window } from '../language/window.ts'

/**
 * What an aggregate reads and where it writes. One such object per feature is reused for ever, and results go through `out` rather than a
 * return value, because a float64 that crosses a call which was not inlined is boxed: an allocation per feature and application.
 * For the same reason each branch stores for itself: V8 12 boxes the value of `isMissing ? NaN : a / b`.
 */
export interface Slice {
  /** The value of each event, in order of event time; NaN = missing, and skipped by every aggregate. */
  readonly values: Float64Array
  /** Event times in epoch milliseconds, ascending. */
  readonly times: Float64Array
  /** The window is the events `from <= i < to`. */
  from: number
  to: number
  /** Element 0 is t, the instant looked from. */
  readonly instant: Float64Array
  /** Element 0 is the entity's first event time of this kind, dropped events included; NaN where there is none up to t. */
  readonly first: Float64Array
  readonly out: Float64Array
  readonly slot: number
}

/** How an aggregate is computed from mergeable partial results, for windows whose events are not held. */
export interface Paned {
  readonly accumulator: Accumulator
  /** Writes what the partial result at word `at` amounts to, seen from `instant[0]`, to `out[slot]`; NaN where undefined. */
  readonly read: (memory: Memory, at: number, instant: Float64Array, out: Float64Array, slot: number) => void
}

export interface Aggregate {
  /** Segment of the feature's name; parameters are part of it. */
  readonly name: string
  /** Raised whenever the result changes for some input, so that the feature set's hash changes too. */
  readonly version: number
  /** `nothing`: looks at events alone; `flag`: at values that are 0 or 1; `any`: at values told apart, numbers or texts. */
  readonly needs: 'nothing' | 'value' | 'flag' | 'any'
  /** Windows over held events. */
  readonly windows: readonly Window['kind'][]
  /** Unit of the result, given the unit of the values. */
  unit(of: string): string
  /** Reads before the value's noun phrase: "mean of". */
  readonly phrase: string
  /** The algorithm's name and its parameter, for whoever computes the same elsewhere; the name alone says it where absent. */
  readonly algorithm?: { readonly name: string; readonly parameter: number }
  /** Writes the result to `slice.out[slice.slot]`, NaN where it is undefined. */
  readonly reduce: (slice: Slice) => void
  /** Absent where the aggregate needs the events themselves, in order. */
  readonly paned?: Paned
}
