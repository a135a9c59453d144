/** Positions of event times in ascending order, equal ones as they came: a radix sort, as every comparison would be a call. */

const DIGIT_BITS = 11
const DIGITS = 1 << DIGIT_BITS
const LOW = 2 ** (2 * DIGIT_BITS)

/** The low and high 22 bits of `time − least`; 44 bits of milliseconds are five centuries. */
const halfOf = (half: 0 | 1, offset: number): number => (half === 0 ? offset % LOW : Math.floor(offset / LOW))

/** `times` are whole milliseconds within five centuries of each other. */
export const timeOrder = (times: Float64Array, count: number): Uint32Array => {
  let least = Infinity
  let most = -Infinity
  for (let index = 0; index < count; index++) {
    least = Math.min(least, times[index]!)
    most = Math.max(most, times[index]!)
  }
  let order = Uint32Array.from({ length: count }, (_, index) => index)
  let other = new Uint32Array(count)
  const halves = new Uint32Array(count)
  const starts = new Uint32Array(DIGITS + 1)
  for (let shift = 0; count > 0 && (most - least) / 2 ** shift >= 1; shift += DIGIT_BITS) {
    if (shift % (2 * DIGIT_BITS) === 0)
      for (let index = 0; index < count; index++) halves[index] = halfOf(shift === 0 ? 0 : 1, times[index]! - least)
    const right = shift % (2 * DIGIT_BITS)
    starts.fill(0)
    for (let index = 0; index < count; index++) starts[((halves[index]! >>> right) & (DIGITS - 1)) + 1]!++
    for (let digit = 0; digit < DIGITS; digit++) starts[digit + 1]! += starts[digit]!
    for (let place = 0; place < count; place++) {
      const index = order[place]!
      other[starts[(halves[index]! >>> right) & (DIGITS - 1)]!++] = index
    }
    ;[order, other] = [other, order]
  }
  return order
}
