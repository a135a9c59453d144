/** The successor ranks applicants no worse than the champion, on the same applicants. */
import type { Gate } from '#schemas/monitoring-events.ts'
import { auc, aucDifference } from '../metrics/auc.ts'
import { interval, undecided, verdict } from './verdict.ts'

/** Loss of AUC that is tolerated: one hundredth, about two points of Gini, below what a risk desk notices in a month's book. */
export const AUC_MARGIN = 0.01
/** Fewest rows of each outcome: below, DeLong's normal approximation is poor. */
const OUTCOMES_MIN = 100

/**
 * Non-inferiority (one-sided, by the lower bound of DeLong's paired 95 % interval): passed where the loss is shown to be less than
 * {@link AUC_MARGIN}. What is not shown is refused: a successor that cannot prove itself stays unused.
 */
export const discriminationGate = (successor: Float64Array, champion: Float64Array, labels: ArrayLike<number>): Gate => {
  let bads = 0
  for (let row = 0; row < labels.length; row++) bads += labels[row]!
  const gate = 'auc-non-inferior'
  if (bads < OUTCOMES_MIN || labels.length - bads < OUTCOMES_MIN)
    return undecided(gate, `needs ${OUTCOMES_MIN} matured applications of each outcome, got ${bads} bad and ${labels.length - bads} good`)
  const difference = aucDifference(successor, champion, labels)
  return verdict(
    gate,
    difference.low > -AUC_MARGIN,
    { ...difference, threshold: -AUC_MARGIN },
    `AUC ${interval(auc(successor, labels))}, champion ${interval(auc(champion, labels))} on the same ${labels.length}; difference ${interval(difference)} must stay above −${AUC_MARGIN}`,
  )
}
