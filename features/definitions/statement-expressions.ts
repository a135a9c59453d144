/** What the definitions compute from each statement, alone or with the one before it and the payments in between. */
import {
  add,
  atLeast,
  atMost,
  divide,
  equal,
  field,
  greater,
  named,
  previous,
  subtract,
  sumSincePrevious,
  when,
} from '../language/expression.ts'

const MONEY = 'minor currency units'

const balance = field('statement', 'closingBalance')
const limit = field('statement', 'creditLimit')
const status = field('statement', 'repaymentStatus')
const paidBetween = sumSincePrevious('statement', 'payment', 'amount')
/** Nothing can be paid late, short or in full where nothing was owed: such months are missing, not good. */
const owedBefore = greater(previous(balance), 0)

export const repaymentStatus = named(
  'repaymentStatus',
  'months late',
  'repayment status (−2 no use, −1 paid in full, 0 revolving, n = n months late)',
  status,
)
export const repaymentStatusBefore = named(
  'repaymentStatusBefore',
  'months late',
  'repayment status one statement earlier',
  previous(status),
)
export const late = named('late', 'flag', 'statements at least one month late', greater(status, 0))
export const severelyLate = named('severelyLate', 'flag', 'statements at least two months late', atLeast(status, 2))
export const unused = named('unused', 'flag', 'statements of an unused account', equal(status, -2))
export const settled = named('settled', 'flag', 'statements reported as paid in full', equal(status, -1))

export const utilisation = named('utilisation', 'share of limit', 'utilisation (closing balance / credit limit)', divide(balance, limit))
export const headroom = named('headroom', MONEY, 'unused credit (credit limit − closing balance)', subtract(limit, balance))

export const paidShare = named(
  'paidShare',
  'share of bill',
  'share of the previous positive bill paid before the next statement, at most 1',
  when(owedBefore, atMost(divide(paidBetween, previous(balance)), 1)),
)
export const paidInFull = named(
  'paidInFull',
  'flag',
  'statements whose previous positive bill was paid in full',
  when(owedBefore, atLeast(paidBetween, previous(balance))),
)
export const missed = named(
  'missed',
  'flag',
  'statements whose previous positive bill saw no payment',
  when(owedBefore, equal(paidBetween, 0)),
)
export const newCharges = named(
  'newCharges',
  MONEY,
  'new charges (closing balance − previous closing balance + payments between)',
  add(subtract(balance, previous(balance)), paidBetween),
)
