/**
 * How well probabilities foretold labels, from counts over fine bins of the predicted log-odds: bounded and mergeable by adding, whatever the
 * number of loans. With bins of 0.02 log-odds nothing of a figure's printed digits is lost.
 */
import { type Estimate, Z95 } from '../statistics/proportion-interval.ts'

/** Loans whose predicted log-odds of bad fall into one bin. */
export interface ScoreBin {
  /** Mean predicted log-odds of the bin. */
  readonly logOdds: number
  readonly goods: number
  readonly bads: number
  /** Sums over the bin: probability; (probability − label)² and its square. */
  readonly probability: number
  readonly squaredError: number
  readonly squaredErrorSquared: number
}

export interface Discrimination {
  readonly auc: Estimate
  readonly ks: number
}

/**
 * Area under the ROC curve with DeLong's interval (E. DeLong et al., Biometrics 44 (1988) 837–845; loans of one bin are ties), and the largest gap
 * between the cumulative distributions of goods and bads. `bins` in any order; undefined where goods or bads number fewer than two.
 */
export const discrimination = (bins: readonly Pick<ScoreBin, 'logOdds' | 'goods' | 'bads'>[]): Discrimination | undefined => {
  const sorted = bins.toSorted((a, b) => a.logOdds - b.logOdds)
  const goods = sorted.reduce((sum, bin) => sum + bin.goods, 0)
  const bads = sorted.reduce((sum, bin) => sum + bin.bads, 0)
  if (goods < 2 || bads < 2) return undefined
  let [goodsBelow, badsBelow, area, ks] = [0, 0, 0, 0]
  const placed = sorted.map((bin) => {
    const badPlace = (goodsBelow + bin.goods / 2) / goods
    const goodPlace = 1 - (badsBelow + bin.bads / 2) / bads
    goodsBelow += bin.goods
    badsBelow += bin.bads
    area += (bin.bads * badPlace) / bads
    ks = Math.max(ks, Math.abs(goodsBelow / goods - badsBelow / bads))
    return { ...bin, badPlace, goodPlace }
  })
  let [ofBads, ofGoods] = [0, 0]
  for (const bin of placed) {
    ofBads += bin.bads * (bin.badPlace - area) ** 2
    ofGoods += bin.goods * (bin.goodPlace - area) ** 2
  }
  const half = Z95 * Math.sqrt(ofBads / (bads - 1) / bads + ofGoods / (goods - 1) / goods)
  return { auc: { value: area, low: Math.max(0, area - half), high: Math.min(1, area + half) }, ks }
}

/** Mean squared error of the probabilities (G. Brier, 1950) with the normal interval of a mean; `bins` hold at least two loans. */
export const brier = (bins: readonly ScoreBin[]): Estimate => {
  let [n, sum, squares] = [0, 0, 0]
  for (const bin of bins) {
    n += bin.goods + bin.bads
    sum += bin.squaredError
    squares += bin.squaredErrorSquared
  }
  const value = sum / n
  const half = Z95 * Math.sqrt(Math.max(0, squares / n - value ** 2) / n)
  return { value, low: Math.max(0, value - half), high: value + half }
}
