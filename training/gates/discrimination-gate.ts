/** The successor ranks applicants no worse than the champion, on the same applicants. */
import type { Gate } from '#schemas/monitoring-events.ts'
import { auc, aucDifference } from '../metrics/auc.ts'
import { interval, refused, verdict } from './verdict.ts'

/** Loss of AUC that is tolerated: one hundredth, about two points of Gini, below what a risk desk notices in a month's book. */
const AUC_MARGIN = 0.01
/** Least AUC that the sample must show: where outcomes themselves are noise, the champion is no better, and being no worse proves nothing. */
const AUC_MIN = 0.55
/** Fewest rows of each outcome: below, DeLong's normal approximation is poor. */
const OUTCOMES_MIN = 100

/**
 * Above chance: the lower bound of the AUC's interval exceeds {@link AUC_MIN}. Non-inferior: the lower bound of DeLong's paired 95 % interval of the
 * difference exceeds −{@link AUC_MARGIN}. What is not shown is refused: a successor that cannot prove itself stays unused.
 */
export const discriminationGates = (successor: Float64Array, champion: Float64Array, labels: ArrayLike<number>): Gate[] => {
  let bads = 0
  for (let row = 0; row < labels.length; row++) bads += labels[row]!
  const [above, nonInferior] = ['auc-above-chance', 'auc-non-inferior']
  if (bads < OUTCOMES_MIN || labels.length - bads < OUTCOMES_MIN) {
    const detail = `needs ${OUTCOMES_MIN} matured applications of each outcome, got ${bads} bad and ${labels.length - bads} good`
    return [refused(above, detail, AUC_MIN), refused(nonInferior, detail, -AUC_MARGIN)]
  }
  const own = auc(successor, labels)
  const difference = aucDifference(successor, champion, labels)
  return [
    verdict(above, own.low > AUC_MIN, { ...own, threshold: AUC_MIN }, `AUC ${interval(own)} must lie above ${AUC_MIN}`),
    verdict(
      nonInferior,
      difference.low > -AUC_MARGIN,
      { ...difference, threshold: -AUC_MARGIN },
      `AUC ${interval(own)}, champion ${interval(auc(champion, labels))} on the same ${labels.length}; difference ${interval(difference)} must stay above −${AUC_MARGIN}`,
    ),
  ]
}
