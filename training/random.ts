/** A small seeded generator, so that folds, bootstraps and samples repeat on every machine. */

/** Uniform numbers in [0, 1) with 32 random bits each. */
export type Random = () => number

/** Mulberry32 (T. Ettinger, public domain): one 32-bit word of state, period 2^32; ample for shuffles and bootstraps. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Fisher–Yates, in place. */
export const shuffle = (items: Int32Array, random: Random): Int32Array => {
  for (let last = items.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1))
    const held = items[last]!
    items[last] = items[chosen]!
    items[chosen] = held
  }
  return items
}
