import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Dataset } from '#training/dataset.ts'
import { auc } from '#training/metrics/auc.ts'
import { binOf, monotoneBins, woeOf } from '#training/monotone-bins.ts'
import { seededRandom } from '#training/random.ts'
import { pointsOf, pointsScale, POINTS, scorecardTable } from '#training/score-points.ts'
import { fitScorecard, SCORECARD_DEFAULTS, scorecardMargins } from '#training/scorecard.ts'
import { scorecardEnsemble } from '#training/scorecard-trees.ts'
import { treeMargin } from '#training/tree-margin.ts'
import { informationValue, weightOfEvidence } from '#training/weight-of-evidence.ts'

/** Column 0 rises with risk, 1 falls, 2 copies 0 with noise, 3 is noise; a tenth of column 1 is missing. */
const simulated = (rows: number, seed: number): Dataset => {
  const random = seededRandom(seed)
  const values = new Float32Array(rows * 4)
  const labels = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) {
    const [up, down, noise] = [random() * 4 - 2, random() * 4 - 2, random()]
    labels[row] = Number(random() < 1 / (1 + Math.exp(-(1.2 * up - 0.8 * down - 1))))
    values.set([up, random() < 0.1 ? Number.NaN : down, up + 0.2 * noise, random()], row * 4)
  }
  return { rows, columns: 4, values, labels, applicantIds: Array.from({ length: rows }, (_, row) => `a${row}`) }
}
const data = simulated(4000, 1)
const options = { ...SCORECARD_DEFAULTS, directions: new Map([[0, 1 as const]]) }
const column = (feature: number): Float32Array => data.values.filter((_, index) => index % 4 === feature)

describe('weight of evidence', () => {
  test('a published table of four bins has information value 0.912870', () => {
    expect(informationValue([100, 200, 300, 400], [40, 30, 20, 10])).toBeCloseTo(0.91287, 6)
    expect(weightOfEvidence([100, 200, 300, 400], [40, 30, 20, 10])[0]).toBeCloseTo(Math.log(0.1 / 0.4), 12)
  })
})

describe('bins', () => {
  test('have monotone weights, at least 5 % of the rows each, and edges that are float32', () => {
    const values = fc.array(fc.tuple(fc.float({ min: -3, max: 3, noNaN: true }), fc.boolean()), { minLength: 300, maxLength: 600 })
    fc.assert(
      fc.property(values, (rows) => {
        const feature = Float32Array.from(rows, ([value]) => value)
        const labels = Uint8Array.from(rows, ([value, coin]) => Number(coin && value > -1))
        const bins = monotoneBins(feature, labels)
        if (bins === null) return
        const rising = bins.woe.every((woe, index) => index === 0 || woe > bins.woe[index - 1]!)
        const falling = bins.woe.every((woe, index) => index === 0 || woe < bins.woe[index - 1]!)
        expect(rising || falling).toBe(true)
        expect(bins.edges.every((edge) => Math.fround(edge) === edge)).toBe(true)
        expect(Math.min(...bins.rows)).toBeGreaterThanOrEqual(rows.length * 0.05)
        bins.rows.forEach((count, bin) => expect(feature.filter((value) => binOf(bins.edges, value) === bin).length).toBe(count))
      }),
      { numRuns: 40 },
    )
  })
  test('a demanded direction is kept even where the data say the opposite', () => {
    expect(monotoneBins(column(1), data.labels, 1)?.woe.length ?? 1).toBe(1)
  })
  test('missing values have a bin of their own where there are enough, and are neutral otherwise', () => {
    const bins = monotoneBins(column(1), data.labels)!
    expect(bins.missingRows).toBeGreaterThan(300)
    expect(woeOf(bins, Number.NaN)).toBe(bins.missingWoe)
    expect(bins.missingWoe).not.toBe(0)
    expect(woeOf(monotoneBins(column(0), data.labels)!, Number.NaN)).toBe(0)
  })
  test('a constant feature has none', () => {
    expect(
      monotoneBins(
        new Float32Array(100),
        new Uint8Array(100).map((_, row) => row % 2),
      ),
    ).toBeNull()
  })
})

describe('a scorecard', () => {
  const card = fitScorecard(data, options)

  test('keeps what separates, drops noise and what repeats another feature', () => {
    const features = card.terms.map(({ feature }) => feature)
    expect(features).toContain(1)
    expect(features).not.toContain(3)
    expect(features.filter((feature) => feature === 0 || feature === 2)).toHaveLength(1)
  })
  test('has positive coefficients and ranks as well as the truth allows', () => {
    expect(card.terms.every(({ coefficient }) => coefficient > 0)).toBe(true)
    const truth = Float64Array.from({ length: data.rows }, (_, row) => 1.2 * data.values[row * 4]! - 0.8 * (data.values[row * 4 + 1]! || 0))
    expect(auc(scorecardMargins(card, data), data.labels).value).toBeGreaterThan(auc(truth, data.labels).value - 0.015)
  })
  test('as trees gives the same margins, edges, neighbours and missing values included', () => {
    const ensemble = scorecardEnsemble(card, data.columns)
    const edges = card.terms.flatMap(({ bins }) => bins.edges)
    const probes = [...edges, ...edges.map((edge) => edge + 1e-3), -1e30, 1e30, Number.NaN]
    const rows = Float32Array.from(probes.flatMap((value) => [value, value, value, value]))
    const probed = { ...data, rows: probes.length, values: rows }
    const margins = scorecardMargins(card, probed)
    margins.forEach((margin, row) => expect(treeMargin(ensemble, rows, row * 4)).toBeCloseTo(margin, 12))
  })
  test('as trees carries the training rows that reached each node', () => {
    for (const tree of scorecardEnsemble(card, data.columns).trees) expect(tree.cover[0]).toBe(data.rows)
  })
  test('labels without signal are refused, naming the rows', () => {
    const random = seededRandom(9)
    const noise = { ...data, labels: data.labels.map(() => Number(random() < 0.5)) }
    expect(() => fitScorecard(noise, options)).toThrow('no feature separates')
  })
  test('as a table adds up to the score of its margin, to within rounding', () => {
    const table = scorecardTable(card, ['up', 'down', 'copy', 'noise'])
    const { factor, offset } = pointsScale(POINTS)
    const margins = scorecardMargins(card, data)
    for (let row = 0; row < 200; row++) {
      const points = table.reduce((sum, term, index) => {
        const value = data.values[row * 4 + card.terms[index]!.feature]!
        return sum + (Number.isNaN(value) ? term.missing.points : term.points[binOf(term.edges, value)]!)
      }, 0)
      expect(Math.abs(points - (offset - factor * margins[row]!))).toBeLessThanOrEqual(0.05 * table.length + 1e-9)
    }
  })
})

test('points follow the published scale: factor 28.853901, offset 487.122876, one per cent is 619.71', () => {
  const { factor, offset } = pointsScale(POINTS)
  expect(factor).toBeCloseTo(28.853901, 6)
  expect(offset).toBeCloseTo(487.122876, 6)
  expect(pointsOf(0.01)).toBeCloseTo(619.71, 2)
  expect(pointsOf(1 / 51)).toBeCloseTo(600, 9)
})
