/**
 * Partial results that merge: what state keeps of the events of one hop (or of all time) instead of the events. Merging is associative and
 * commutative, exactly for counts, extremes, sketches and sums of integers, to rounding for the rest; so any order of arrival leads to the
 * same result.
 */

/** One stretch of bytes seen three ways. Places are counted in words of 8 bytes. */
export interface Memory {
  readonly f64: Float64Array
  readonly u32: Uint32Array
  readonly u8: Uint8Array
}

export const memoryOf = (buffer: ArrayBuffer): Memory => ({
  f64: new Float64Array(buffer),
  u32: new Uint32Array(buffer),
  u8: new Uint8Array(buffer),
})

/** Places in the array that hands an event to {@link Accumulator.update}: in an array so that no number is boxed. */
export const VALUE = 0
export const TIME = 1

/** An accumulator whose words are all zero has seen nothing. */
export interface Accumulator {
  /** Parameters are part of it: two of one name keep the same partial result, which is then kept once. */
  readonly name: string
  /** Raised whenever the meaning of the bytes changes. */
  readonly version: number
  /** Size in words of 8 bytes; fixed. */
  readonly words: number
  /** How far what is read off it may be from the truth. */
  readonly errorBound: string
  /** Takes in `event[VALUE]`, never missing, of time `event[TIME]`. */
  readonly update: (memory: Memory, at: number, event: Float64Array) => void
  /** Adds the partial result at `from` to the one at `into`. */
  readonly merge: (memory: Memory, into: number, from: number) => void
}
