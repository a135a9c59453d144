/** Kolmogorov–Smirnov separation of bads from goods. */

/** Largest gap between the two cumulative score distributions, in [0, 1]. Tied scores move together. */
export const kolmogorovSmirnov = (scores: ArrayLike<number>, labels: ArrayLike<number>): number => {
  const order = Array.from({ length: scores.length }, (_, index) => index).sort((a, b) => scores[a]! - scores[b]!)
  const bads = order.reduce((count, row) => count + (labels[row] === 1 ? 1 : 0), 0)
  const goods = order.length - bads
  let [badsBelow, goodsBelow, largest] = [0, 0, 0]
  for (let position = 0; position < order.length; position++) {
    const row = order[position]!
    if (labels[row] === 1) badsBelow++
    else goodsBelow++
    const next = order[position + 1]
    if (next !== undefined && scores[next] === scores[row]) continue
    largest = Math.max(largest, Math.abs(badsBelow / bads - goodsBelow / goods))
  }
  return largest
}
