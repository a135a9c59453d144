/** Percentile bootstrap for statistics without a closed-form interval. */
import type { Interval } from '#registry/manifest.ts'
import type { Random } from '../random.ts'

export type Statistic = (scores: Float64Array, labels: Float64Array) => number

/**
 * The statistic on all rows and the 2.5 % and 97.5 % points of its values over `rounds` resamples of rows with replacement
 * (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13).
 */
export const bootstrap = (
  statistic: Statistic,
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  random: Random,
  rounds: number,
): Interval => {
  const [given, known] = [Float64Array.from(scores), Float64Array.from(labels)]
  const [drawn, drawnLabels] = [new Float64Array(given.length), new Float64Array(given.length)]
  const values = new Float64Array(rounds)
  for (let round = 0; round < rounds; round++) {
    for (let row = 0; row < given.length; row++) {
      const chosen = Math.floor(random() * given.length)
      drawn[row] = given[chosen]!
      drawnLabels[row] = known[chosen]!
    }
    values[round] = statistic(drawn, drawnLabels)
  }
  values.sort()
  return { value: statistic(given, known), low: quantile(values, 0.025), high: quantile(values, 0.975) }
}

/** Linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996). `sorted` ascends and is not empty. */
export const quantile = (sorted: ArrayLike<number>, share: number): number => {
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!]
  return low + (position - below) * (high - low)
}
