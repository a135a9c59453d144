/** Decimal numbers read from bytes, without a text in between. */

/** Largest mantissa that stays exact: 15 digits are below 2^53. */
const DIGITS_MAX = 15
const POWERS = Float64Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent)

/**
 * The number in `bytes[from .. to)`: an optional minus, digits, an optional point. NaN for everything else, which `Number` of the text must
 * then judge. Exact: mantissa and power of ten are both integers below 2^53, so that one division rounds correctly (Clinger, 1990).
 */
export const decimalAt = (bytes: Uint8Array, from: number, to: number): number => {
  let at = from
  const negative = bytes[at] === 0x2d
  if (negative) at++
  if (at >= to || to - at > DIGITS_MAX + 1) return Number.NaN
  let mantissa = 0
  let point = -1
  for (; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >= 0 && digit <= 9) mantissa = mantissa * 10 + digit
    else if (digit === -2 && point < 0) point = at
    else return Number.NaN
  }
  const length = to - from - (negative ? 1 : 0)
  if (point < 0) {
    if (length > DIGITS_MAX) return Number.NaN
  } else {
    if (length === 1) return Number.NaN
    mantissa /= POWERS[to - point - 1]!
  }
  return negative ? -mantissa : mantissa
}
