/** How concentrated the bads are among the riskiest. */

/** Bad rate of the riskiest `share` of rows over the bad rate of all. Ties at the border count by their mean label. */
export const lift = (scores: ArrayLike<number>, labels: ArrayLike<number>, share: number): number => {
  const order = Array.from({ length: scores.length }, (_, index) => index).sort((a, b) => scores[b]! - scores[a]!)
  const wanted = Math.max(1, Math.round(share * order.length))
  const border = scores[order[wanted - 1]!]!
  let [above, badsAbove, tied, badsTied, bads] = [0, 0, 0, 0, 0]
  for (const row of order) {
    const bad = labels[row] === 1 ? 1 : 0
    bads += bad
    if (scores[row]! > border) [above, badsAbove] = [above + 1, badsAbove + bad]
    else if (scores[row] === border) [tied, badsTied] = [tied + 1, badsTied + bad]
  }
  return (badsAbove + ((wanted - above) * badsTied) / tied) / wanted / (bads / order.length)
}
