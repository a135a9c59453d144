/**
 * First Wasserstein (earth mover's) distance between two samples, in the values' own unit: the area between their cumulative distributions
 * (S. Vallender, Theory Probab. Appl. 18 (1974) 784–786). Both samples ascend and are not empty.
 */
export const wassersteinDistance = (first: ArrayLike<number>, second: ArrayLike<number>): number => {
  let [i, j, sum] = [0, 0, 0]
  let at = Math.min(first[0]!, second[0]!)
  while (i < first.length || j < second.length) {
    const next = Math.min(i < first.length ? first[i]! : Infinity, j < second.length ? second[j]! : Infinity)
    sum += Math.abs(i / first.length - j / second.length) * (next - at)
    at = next
    while (i < first.length && first[i]! <= at) i++
    while (j < second.length && second[j]! <= at) j++
  }
  return sum
}
