/** Where to stop approving: by what a good loan earns and a bad one loses. */
import type { Manifest } from '#registry/manifest.ts'

/** Per unit of exposure at default. */
export interface LendingEconomics {
  /** Earned on a loan that stays good. */
  readonly margin: number
  /** Lost on a loan that goes bad (loss given default). */
  readonly lossGivenDefault: number
  /** Cost of a person looking at the application. */
  readonly reviewCost: number
}

/**
 * Unsecured revolving credit, to be replaced by the lender's own figures: 20 % contribution margin over the life of a good line; 60 % loss
 * given default, within the 45–75 % that Basel's foundation approach gives unsecured claims; review at 4 % of the line.
 */
export const DEFAULT_ECONOMICS: LendingEconomics = { margin: 0.2, lossGivenDefault: 0.6, reviewCost: 0.04 }

/** Probabilities are stated to six digits: beyond that no lender's figures reach. */
const rounded = (probability: number): number => Math.round(probability * 1e6) / 1e6

/**
 * Expected profit of approving at probability of bad p is (1 − p)·margin − p·LGD, which is 0 at margin / (margin + LGD). A review is worth
 * its cost only where the profit at stake is smaller than that cost: within ± reviewCost of break-even the application is referred.
 */
export const cutOffs = ({ margin, lossGivenDefault, reviewCost }: LendingEconomics): Manifest['cutOffs'] => ({
  refer: rounded((margin - reviewCost) / (margin + lossGivenDefault)),
  decline: rounded((margin + reviewCost) / (margin + lossGivenDefault)),
  lossGivenDefault,
  margin,
})

/** Realised profit per application, in units of exposure, of approving everything below `cutOff`. */
export const realisedProfit = (
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  { margin, lossGivenDefault }: LendingEconomics,
  cutOff: number,
): number => {
  let profit = 0
  for (let row = 0; row < probabilities.length; row++)
    if (probabilities[row]! < cutOff) profit += labels[row] === 1 ? -lossGivenDefault : margin
  return profit / probabilities.length
}

export interface CutOffCheck {
  /** Break-even probability by theory. */
  readonly breakEven: number
  readonly profitAtBreakEven: number
  /** The cut-off that would have earned most on these rows, known only afterwards. */
  readonly bestCutOff: number
  readonly profitAtBest: number
}

/** Sets the theoretical cut-off against the best one in hindsight: close profits mean the probabilities can be taken at their word. */
export const checkCutOff = (probabilities: Float64Array, labels: ArrayLike<number>, economics: LendingEconomics): CutOffCheck => {
  const breakEven = economics.margin / (economics.margin + economics.lossGivenDefault)
  const order = Array.from(probabilities.keys()).toSorted((a, b) => probabilities[a]! - probabilities[b]!)
  let [profit, best, bestCutOff] = [0, 0, 0]
  for (const [position, row] of order.entries()) {
    profit += labels[row] === 1 ? -economics.lossGivenDefault : economics.margin
    const next = order[position + 1]
    const isTied = next !== undefined && probabilities[next] === probabilities[row]
    if (profit > best && !isTied) [best, bestCutOff] = [profit, next === undefined ? 1 : probabilities[next]!]
  }
  const profitAtBreakEven = realisedProfit(probabilities, labels, economics, breakEven)
  return { breakEven, profitAtBreakEven, bestCutOff, profitAtBest: best / probabilities.length }
}
