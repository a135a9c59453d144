/**
 * The Shapley values of one leaf, for every pattern of its players' conditions.
 *
 * A leaf pays `value` to a coalition S where every player's demand holds: players in S by the explained row, the others by the background.
 * With A the players whose demand the row meets and B those a background row meets, the leaf is won by some coalition only where A ∪ B is all
 * players; with u = |A \ B| and w = |B \ A| a player of A \ B then gets (u−1)! w! / (u+w)! and one of B \ A gets −u! (w−1)! / (u+w)!.
 * Source: Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020, interventional TreeSHAP.
 */
import { DEPTH_MAX } from './blocks.ts'

const factorials = Array.from({ length: 2 * DEPTH_MAX + 1 }).reduce<number[]>((all, _, n) => [...all, n === 0 ? 1 : all[n - 1]! * n], [])
const WIDTH = DEPTH_MAX + 1
/** Gain of a player of A \ B, at [u · WIDTH + w]; u >= 1. */
const gainWeight = new Float64Array(WIDTH * WIDTH)
/** Loss of a player of B \ A, at [u · WIDTH + w]; w >= 1. */
const lossWeight = new Float64Array(WIDTH * WIDTH)
for (let u = 0; u < WIDTH; u++)
  for (let w = 0; w < WIDTH; w++) {
    if (u > 0) gainWeight[u * WIDTH + w] = (factorials[u - 1]! * factorials[w]!) / factorials[u + w]!
    if (w > 0) lossWeight[u * WIDTH + w] = (factorials[u]! * factorials[w - 1]!) / factorials[u + w]!
  }

const ones = Uint8Array.from({ length: 1 << DEPTH_MAX }, (_, bits) => bits.toString(2).replaceAll('0', '').length)

/**
 * Shapley values for all 2^players patterns A: out[A · players + j], in units of leaf value × mass.
 * @param mass weight of each background pattern B, 2^players entries; need not sum to one (counts are exact).
 */
export const leafGame = (players: number, mass: Float64Array, out: Float64Array): void => {
  const all = (1 << players) - 1
  for (let met = 0; met <= all; met++) {
    const row = met * players
    out.fill(0, row, row + players)
    const unmet = all & ~met
    const w = ones[unmet]!
    let loss = 0
    // Every subset of `met`, from `met` itself down to the empty set: the players both meet.
    for (let both = met; ; both = (both - 1) & met) {
      const p = mass[unmet | both]!
      if (p !== 0) {
        const gaining = met & ~both
        const u = ones[gaining]!
        loss += p * lossWeight[u * WIDTH + w]!
        const gain = p * gainWeight[u * WIDTH + w]!
        for (let rest = gaining; rest !== 0; rest &= rest - 1) {
          const j = row + 31 - Math.clz32(rest & -rest)
          out[j] = out[j]! + gain
        }
      }
      if (both === 0) break
    }
    for (let rest = unmet; rest !== 0; rest &= rest - 1) out[row + 31 - Math.clz32(rest & -rest)] = -loss
  }
}
