/** Points, as people read a scorecard: higher is safer. */
import type { Manifest } from '#registry/manifest.ts'
import type { Scorecard } from './scorecard.ts'

export const POINTS: Manifest['points'] = { pdo: 20, score: 600, odds: 50 }

/** score = offset + factor · ln(good:bad odds); `pdo` points double the odds. */
export const pointsScale = ({ pdo, score, odds }: Manifest['points']): { factor: number; offset: number } => {
  const factor = pdo / Math.LN2
  return { factor, offset: score - factor * Math.log(odds) }
}

/** Points of a probability of bad in (0, 1). */
export const pointsOf = (probability: number, scale: Manifest['points'] = POINTS): number => {
  const { factor, offset } = pointsScale(scale)
  return offset + factor * Math.log((1 - probability) / probability)
}

const toTenth = (points: number): number => Math.round(points * 10) / 10

/**
 * The scorecard as a table: the offset and intercept are spread evenly over the terms, so that the points of a row's bins add up to its
 * score before calibration (to within rounding: a twentieth of a point a term).
 */
export const scorecardTable = (card: Scorecard, names: readonly string[]): Manifest['scorecard'] => {
  const { factor, offset } = pointsScale(POINTS)
  const share = (offset - factor * card.intercept) / card.terms.length
  return card.terms.map(({ feature, bins, coefficient }) => {
    const points = (woe: number): number => toTenth(share + factor * coefficient * woe)
    return {
      feature: names[feature]!,
      edges: bins.edges,
      woe: bins.woe,
      points: bins.woe.map(points),
      iv: bins.informationValue,
      missing: { woe: bins.missingWoe, points: points(bins.missingWoe) },
    }
  })
}
