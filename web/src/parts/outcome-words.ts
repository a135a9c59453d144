import type { Outcome } from '../api/types.ts'

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = { approve: 'Approved', refer: 'Referred', decline: 'Declined' }
