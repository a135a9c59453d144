/** Scorecard points of a probability of bad. */
import { points, type Points, type Probability } from '#schemas/units.ts'
import { log } from './exp-log.ts'

/**
 * score = offset + factor · ln((1 − p) / p), with factor = pdo / ln 2 and offset = score₀ − factor · ln(odds₀): at odds of good to bad of
 * `odds` the score is `score`, and `pdo` points double the odds. Source: Siddiqi, Credit Risk Scorecards, 2006.
 */
export const pointsScale = (scale: { readonly pdo: number; readonly score: number; readonly odds: number }) => {
  const factor = scale.pdo / log(2)
  const offset = scale.score - factor * log(scale.odds)
  if (!(scale.pdo > 0 && Number.isFinite(offset)))
    throw new Error(`points: pdo and odds must be positive, got ${scale.pdo} and ${scale.odds}`)
  return { factor, offset, of: (p: Probability): Points => points(offset + factor * log((1 - p) / p)) }
}
