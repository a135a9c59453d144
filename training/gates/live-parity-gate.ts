/** The features that the engine scores today are what its events say: a successor learned from the same features would inherit the fault. */
import type { Gate } from '#schemas/monitoring-events.ts'
import { undecided, verdict } from './verdict.ts'

export interface LiveParity {
  /** Feature values of live decisions that were computed again from raw events. */
  readonly values: number
  readonly mismatches: number
}

const detailOf = ({ values, mismatches }: LiveParity, budget: number): string =>
  `${mismatches} of ${values} live feature values differ from what the events say, a rate of ${mismatches / values}; the budget is ${budget}`

/** @param budget Largest share of values that may differ. */
export const liveParityGate = (parity: LiveParity | undefined, budget: number): Gate => {
  const name = 'live-parity'
  if (parity === undefined || parity.values === 0) return undecided(name, 'no live decision has been computed again from its events yet')
  const rate = parity.mismatches / parity.values
  return verdict(name, rate <= budget, { value: rate, threshold: budget }, detailOf(parity, budget))
}
