/** Neighbours of float32 numbers, and directed rounding of doubles to them. */

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)
/** Largest finite float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127

/** Smallest float32 above `value` (a float32); +Infinity above the largest; NaN and +Infinity map to themselves. */
export const nextFloat32 = (value: number): number => {
  if (Number.isNaN(value) || value === Infinity) return value
  if (value === -Infinity) return -LARGEST
  // +0 and -0 are one number with two encodings: both step to the smallest subnormal.
  if (value === 0) return 2 ** -149
  float[0] = value
  bits[0] = bits[0]! + (value > 0 ? 1 : -1)
  return float[0]
}

/** Largest float32 below `value` (a float32). */
export const previousFloat32 = (value: number): number => -nextFloat32(-value)

/**
 * Largest finite float32 not above `value`. For every float32 x, `x <= value` exactly where `x <= roundDownToFloat32(value)`: so a
 * double threshold (LightGBM's) may be stored as float32 without one decision on float32 inputs changing. Values below the
 * smallest float32 give -Infinity; +Infinity and doubles beyond the range give the largest float32, which only an infinite input exceeds.
 */
export const roundDownToFloat32 = (value: number): number => {
  const nearest = Math.fround(value)
  const down = nearest > value ? previousFloat32(nearest) : nearest
  return down === Infinity ? LARGEST : down
}
