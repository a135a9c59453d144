/**
 * Exponential and logarithm that give the same bits everywhere. ECMAScript lets an engine approximate Math.exp and Math.log as it likes, and a
 * capsule must be reproduced bit for bit by whatever engine replays it; these use +, −, ×, ÷ and exact scaling by powers of two only.
 *
 * Method and coefficients: the argument reductions and minimax polynomials published with Sun's fdlibm (e_exp.c, e_log.c); error below 1 ulp.
 */

/** ln 2 in two parts: the high one has 21 trailing zero bits, so that its product with an exponent is exact. */
const LN2_HIGH = 6.9314718036912381649e-1
const LN2_LOW = 1.90821492927058770002e-10
const LOG2_E = Math.LOG2E
const EXP_OVERFLOW = 709.782712893383973096
const EXP_UNDERFLOW = -745.13321910194110842

const float = new Float64Array(1)
const words = new Uint32Array(float.buffer)
/** Index of the word with sign and exponent: typed arrays have the machine's byte order. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0

/** 2^k for −1022 <= k <= 1023. */
const powerOfTwo = (k: number): number => {
  words[HIGH] = (k + 1023) << 20
  words[1 - HIGH] = 0
  return float[0]!
}

/** e^x; NaN for NaN, Infinity above 709.78, 0 below −745.13. */
export const exp = (x: number): number => {
  if (Number.isNaN(x)) return x
  if (x > EXP_OVERFLOW) return Infinity
  if (x < EXP_UNDERFLOW) return 0
  const k = Math.abs(x) > 0.34657359027997264 ? Math.trunc(LOG2_E * x + (x < 0 ? -0.5 : 0.5)) : 0
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const t = r * r
  const c =
    r -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 + t * (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))))
  if (k === 0) return 1 - ((r * c) / (c - 2) - r)
  const y = 1 - (low - (r * c) / (2 - c) - high)
  // Two exact steps near the ends of the range, where 2^k alone is not a normal number.
  if (k > 1023) return y * 2 * powerOfTwo(k - 1)
  if (k < -1021) return y * powerOfTwo(k + 1000) * 2 ** -1000
  return y * powerOfTwo(k)
}

/** Natural logarithm; −Infinity at 0, NaN below. */
export const log = (x: number): number => {
  if (Number.isNaN(x) || x < 0) return NaN
  if (x === 0) return -Infinity
  if (x === Infinity) return x
  float[0] = x < 2 ** -1022 ? x * 2 ** 54 : x
  const scaled = x < 2 ** -1022 ? -54 : 0
  // x = 2^k · (1 + f) with √2/2 < 1 + f < √2.
  const mantissa = words[HIGH]! & 0xfffff
  const carry = (mantissa + 0x95f64) & 0x100000
  const k = scaled + (words[HIGH]! >>> 20) - 1023 + (carry >>> 20)
  words[HIGH] = mantissa | (carry ^ 0x3ff00000)
  const f = float[0] - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1))
  const odd = z * (6.66666666666673513e-1 + w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)))
  const r = even + odd
  const half = 0.5 * f * f
  return k * LN2_HIGH - (half - (s * (half + r) + k * LN2_LOW) - f)
}

/** 1 / (1 + e^−x), in (0, 1) for |x| below 36; never NaN for a number. */
export const sigmoid = (x: number): number => {
  if (x >= 0) return 1 / (1 + exp(-x))
  const e = exp(x)
  return e / (1 + e)
}
