/** What to give up when an application has already waited too long. Pure. */
import type { DegradeStep } from '#schemas/decision.ts'

/** Shares of the deadline after which each step is taken, ascending in the declared order. */
export interface LatencyContract {
  readonly deadlineMs: number
  readonly explanationDeferredAfter: number
  readonly smallerEnsembleAfter: number
  readonly scorecardAfter: number
  readonly referredAfter: number
}

/** `null` = no contract, as in a replay as fast as possible: then nothing is ever given up. */
export const degradeStep = (waitedMs: number, contract: LatencyContract | null): DegradeStep | null => {
  if (contract === null) return null
  const share = waitedMs / contract.deadlineMs
  if (share >= contract.referredAfter) return 'referred'
  if (share >= contract.scorecardAfter) return 'scorecard'
  if (share >= contract.smallerEnsembleAfter) return 'smaller-ensemble'
  if (share >= contract.explanationDeferredAfter) return 'explanation-deferred'
  return null
}
