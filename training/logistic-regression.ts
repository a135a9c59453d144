/** Ridge-penalised logistic regression by iteratively reweighted least squares, in float64. */
import { invert, solve } from './linear-solve.ts'

export interface LogisticFit {
  readonly intercept: number
  readonly coefficients: Float64Array
  /** Standard errors from the inverse (penalised) information, intercept first. */
  readonly standardErrors: Float64Array
  readonly iterations: number
}

export interface LogisticInput {
  /** n × k, row-major. */
  readonly values: Float64Array
  readonly columns: number
  /** 0 good, 1 bad. */
  readonly labels: ArrayLike<number>
  /** Penalty ½·ridge·Σ β²; the intercept is free. */
  readonly ridge?: number
  /** A fixed addend of the linear predictor, one per row. */
  readonly offset?: ArrayLike<number>
}

const ITERATIONS_MAX = 50
/** Newton steps below this change no digit that matters: float64 keeps about 16. */
const STEP_MIN = 1e-10

/** Logistic function without overflow. */
export const sigmoid = (logOdds: number): number => {
  if (logOdds >= 0) return 1 / (1 + Math.exp(-logOdds))
  const power = Math.exp(logOdds)
  return power / (1 + power)
}

/** Gradient and information of the penalised log-likelihood at `beta` (intercept first). */
const derivatives = (input: LogisticInput, beta: Float64Array): { gradient: Float64Array; information: Float64Array } => {
  const { values, columns, labels, ridge = 0, offset } = input
  const size = columns + 1
  const gradient = new Float64Array(size)
  const information = new Float64Array(size * size)
  const row = new Float64Array(size).fill(1)
  for (let index = 0; index < labels.length; index++) {
    let predictor = beta[0]! + (offset?.[index] ?? 0)
    for (let column = 0; column < columns; column++) {
      row[column + 1] = values[index * columns + column]!
      predictor += beta[column + 1]! * row[column + 1]!
    }
    const probability = sigmoid(predictor)
    const weight = probability * (1 - probability)
    const error = labels[index]! - probability
    for (let a = 0; a < size; a++) {
      gradient[a] = gradient[a]! + error * row[a]!
      const scaled = weight * row[a]!
      for (let b = 0; b <= a; b++) information[a * size + b] = information[a * size + b]! + scaled * row[b]!
    }
  }
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) information[b * size + a] = information[a * size + b]!
    if (a === 0) continue
    gradient[a] = gradient[a]! - ridge * beta[a]!
    information[a * size + a] = information[a * size + a]! + ridge
  }
  return { gradient, information }
}

/**
 * Maximises the penalised likelihood by Newton's method (P. McCullagh, J. A. Nelder, "Generalized Linear Models", 1989, §4.4).
 * Throws when it does not converge, which a ridge > 0 rules out in practice.
 */
export const logisticRegression = (input: LogisticInput): LogisticFit => {
  const size = input.columns + 1
  const beta = new Float64Array(size)
  for (let iteration = 1; iteration <= ITERATIONS_MAX; iteration++) {
    const { gradient, information } = derivatives(input, beta)
    const step = solve(information, gradient)
    let largest = 0
    for (let index = 0; index < size; index++) {
      // Separable data send a step to infinity; a bounded step keeps the weights away from 0.
      const bounded = Math.max(-5, Math.min(5, step[index]!))
      beta[index] = beta[index]! + bounded
      largest = Math.max(largest, Math.abs(bounded))
    }
    if (largest < STEP_MIN) return finish(input, beta, iteration)
  }
  throw new Error(`logistic regression did not converge in ${ITERATIONS_MAX} steps; raise the ridge (now ${input.ridge ?? 0})`)
}

const finish = (input: LogisticInput, beta: Float64Array, iterations: number): LogisticFit => {
  const size = beta.length
  const covariance = invert(derivatives(input, beta).information, size)
  const standardErrors = Float64Array.from(beta, (_, index) => Math.sqrt(covariance[index * size + index]!))
  return { intercept: beta[0]!, coefficients: beta.slice(1), standardErrors, iterations }
}
