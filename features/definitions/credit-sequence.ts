/** What networks see of an applicant's past: every kind of event that features may look at, with its numbers. */
import type { SequenceSource } from '../sequences/event-sequence.ts'

export const creditSequence = (length: number): SequenceSource => ({
  length,
  kinds: {
    application: ['amount', 'termMonths'],
    statement: ['closingBalance', 'creditLimit', 'repaymentStatus'],
    payment: ['amount'],
    transaction: ['amount'],
    bureau: ['lines', 'activeLines', 'overdueAmount', 'worstStatus', 'inquiries30d', 'inquiries12m'],
  },
  // An application that reached the log behind as many later events still finds its past complete.
  lateEvents: Math.min(16, 256 - length),
})
