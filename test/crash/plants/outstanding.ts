/** Decisions that were said to be written and are not yet. */
export const outstanding = { decisions: 0 }
