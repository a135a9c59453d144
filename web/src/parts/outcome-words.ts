import type { Outcome } from '../api/types.ts'

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = { approve: 'Approved', refer: 'Referred', decline: 'Declined' }

/** The custom property that paints an outcome. */
export const OUTCOME_COLOURS: Readonly<Record<Outcome, `--${string}`>> = { approve: '--approve', refer: '--refer', decline: '--decline' }
