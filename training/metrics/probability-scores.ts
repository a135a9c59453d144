/** Proper scores of predicted probabilities of bad; smaller is better. */

/** Smallest probability whose logarithm is taken: scikit-learn's choice for float64. */
const PROBABILITY_MIN = Number.EPSILON

/** Mean squared distance between probability and label (G. W. Brier, 1950). */
export const brierScore = (probabilities: ArrayLike<number>, labels: ArrayLike<number>): number => {
  let sum = 0
  for (let row = 0; row < probabilities.length; row++) sum += (probabilities[row]! - labels[row]!) ** 2
  return sum / probabilities.length
}

/** Mean negative log-likelihood in nats. */
export const logLoss = (probabilities: ArrayLike<number>, labels: ArrayLike<number>): number => {
  let sum = 0
  for (let row = 0; row < probabilities.length; row++) {
    const bad = Math.min(Math.max(probabilities[row]!, PROBABILITY_MIN), 1 - PROBABILITY_MIN)
    sum -= labels[row] === 1 ? Math.log(bad) : Math.log1p(-bad)
  }
  return sum / probabilities.length
}
