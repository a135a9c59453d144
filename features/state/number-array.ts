/** How numbers lie in state, and the arrays that read them there. */
export type NumberArray = Float64Array | Uint32Array | Int32Array | Int16Array | Int8Array

/**
 * What an optional number that an event does not state is stored as: below every number, so that events of one time keep a total order by
 * content, which NaN has not.
 */
export const MISSING_NUMBER = -Infinity

/** `choice` and `hash` hold texts, see `text-code.ts`; `optional` numbers that may be {@link MISSING_NUMBER}. */
export type Encoding = 'f64' | 'optional' | 'i32' | 'i16' | 'i8' | 'choice' | 'hash'
export const ENCODING_BYTES: Readonly<Record<Encoding, number>> = { f64: 8, optional: 8, i32: 4, i16: 2, i8: 1, choice: 1, hash: 4 }

export const NUMBER_ARRAYS: Readonly<Record<Encoding, new (buffer: ArrayBuffer, offset: number, length: number) => NumberArray>> = {
  f64: Float64Array,
  optional: Float64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  choice: Int8Array,
  hash: Uint32Array,
}
