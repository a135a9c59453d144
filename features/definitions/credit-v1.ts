/**
 * Credit features, version 1: the application, six months of statements, six months of payments. The order is the vector's and is part of
 * the feature set's hash: append, never insert. No definition reads a protected attribute, nor could one: events do not carry any.
 */
import { count } from '../aggregates/count.ts'
import { daysSinceFirst } from '../aggregates/days-since-first.ts'
import { daysSinceLast } from '../aggregates/days-since-last.ts'
import { first } from '../aggregates/first.ts'
import { last } from '../aggregates/last.ts'
import { longestStreak } from '../aggregates/longest-streak.ts'
import { max } from '../aggregates/max.ts'
import { mean } from '../aggregates/mean.ts'
import { min } from '../aggregates/min.ts'
import { slope } from '../aggregates/slope.ts'
import { std } from '../aggregates/std.ts'
import { sum } from '../aggregates/sum.ts'
import type { Aggregate } from '../aggregates/aggregate.ts'
import type { NamedExpression } from '../language/expression.ts'
import { feature, ratio, stated } from '../language/feature.ts'
import type { Definition } from '../language/feature.ts'
import type { FoldedKind, NumericField } from '../language/kinds.ts'
import { ever, months } from '../language/window.ts'
import type { Window } from '../language/window.ts'
import type { Capacities } from '../state/layout.ts'
import * as statement from './statement-expressions.ts'

const by = 'applicant'

/** Six months of monthly statements twice over; of payments up to weekly; of applications up to two a month. */
export const creditV1Capacities: Capacities = { statement: 12, payment: 32, application: 12 }

const ofStatements = (expression: NamedExpression<'statement'>, how: Aggregate, window: Window): Definition =>
  feature({ on: 'statement', by, expression, how, window })
const ofBalance = (how: Aggregate, window: Window): Definition => feature({ on: 'statement', by, field: 'closingBalance', how, window })
const ofPayments = (field: NumericField<'payment'>, how: Aggregate, window: Window): Definition =>
  feature({ on: 'payment', by, field, how, window })
const ofEvents = (on: FoldedKind, how: Aggregate, window: Window): Definition => feature({ on, by, how, window })
const countLate = (where: NamedExpression<'statement'>, window: Window): Definition =>
  feature({ on: 'statement', by, where, how: count(), window })

const amount = stated({ by, field: 'amount' })
const income = stated({ by, field: 'incomeMonthly' })
const limit = feature({ on: 'statement', by, field: 'creditLimit', how: last(), window: months(6) })
const balance3 = ofBalance(mean(), months(3))
const balance6 = ofBalance(mean(), months(6))
const balanceSum6 = ofBalance(sum(), months(6))
const paid3 = ofPayments('amount', sum(), months(3))
const paid6 = ofPayments('amount', sum(), months(6))

const application: readonly Definition[] = [
  amount,
  stated({ by, field: 'termMonths' }),
  income,
  ratio('amountToIncome', { dividend: amount, divisor: income, description: 'Amount applied for / stated gross monthly income' }),
  ratio('amountToLimit', { dividend: amount, divisor: limit, description: 'Amount applied for / latest credit limit' }),
  ratio('amountToBalance', { dividend: amount, divisor: balance6, description: 'Amount applied for / mean closing balance of 6 months' }),
  ofEvents('application', count(), months(6)),
  ofEvents('application', daysSinceLast(), ever()),
]

const history: readonly Definition[] = [
  ofEvents('statement', count(), months(6)),
  ofEvents('statement', daysSinceFirst(), ever()),
  ofEvents('statement', daysSinceLast(), ever()),
]

const balances: readonly Definition[] = [
  limit,
  feature({ on: 'statement', by, field: 'closingBalance', how: last(), window: months(6) }),
  feature({ on: 'statement', by, field: 'closingBalance', how: first(), window: months(6) }),
  balance3,
  balance6,
  ofBalance(max(), months(6)),
  ofBalance(std(), months(6)),
  ofBalance(slope(), months(6)),
  ratio('balanceTrend', { dividend: balance3, divisor: balance6, description: 'Mean closing balance of 3 months / of 6 months' }),
  ofStatements(statement.headroom, last(), months(6)),
  ofStatements(statement.newCharges, last(), months(6)),
  ofStatements(statement.newCharges, mean(), months(6)),
  ofStatements(statement.utilisation, last(), months(6)),
  ofStatements(statement.utilisation, mean(), months(3)),
  ofStatements(statement.utilisation, mean(), months(6)),
  ofStatements(statement.utilisation, max(), months(6)),
  ofStatements(statement.utilisation, min(), months(6)),
  ofStatements(statement.utilisation, std(), months(6)),
  ofStatements(statement.utilisation, slope(), months(3)),
  ofStatements(statement.utilisation, slope(), months(6)),
]

const lateness: readonly Definition[] = [
  ofStatements(statement.repaymentStatus, last(), months(6)),
  ofStatements(statement.repaymentStatusBefore, last(), months(6)),
  ofStatements(statement.repaymentStatus, first(), months(6)),
  ofStatements(statement.repaymentStatus, mean(), months(3)),
  ofStatements(statement.repaymentStatus, mean(), months(6)),
  ofStatements(statement.repaymentStatus, max(), months(3)),
  ofStatements(statement.repaymentStatus, max(), months(6)),
  ofStatements(statement.repaymentStatus, min(), months(6)),
  ofStatements(statement.repaymentStatus, slope(), months(6)),
  countLate(statement.late, months(3)),
  countLate(statement.late, months(6)),
  countLate(statement.severelyLate, months(3)),
  countLate(statement.severelyLate, months(6)),
  ofStatements(statement.late, longestStreak(), months(6)),
  ofStatements(statement.severelyLate, longestStreak(), months(6)),
  ofStatements(statement.unused, mean(), months(6)),
  ofStatements(statement.settled, mean(), months(6)),
]

const discipline: readonly Definition[] = [
  ofStatements(statement.paidShare, last(), months(6)),
  ofStatements(statement.paidShare, mean(), months(3)),
  ofStatements(statement.paidShare, mean(), months(6)),
  ofStatements(statement.paidShare, min(), months(6)),
  ofStatements(statement.paidInFull, mean(), months(6)),
  countLate(statement.missed, months(3)),
  countLate(statement.missed, months(6)),
  ofStatements(statement.missed, longestStreak(), months(6)),
]

const payments: readonly Definition[] = [
  ofEvents('payment', count(), months(3)),
  ofEvents('payment', count(), months(6)),
  ofPayments('amount', sum(), months(1)),
  paid3,
  paid6,
  ofPayments('amount', mean(), months(6)),
  ofPayments('amount', std(), months(6)),
  ofPayments('amount', min(), months(6)),
  ofPayments('amount', max(), months(6)),
  ofPayments('amount', last(), months(6)),
  ofPayments('amount', slope(), months(6)),
  ofEvents('payment', daysSinceLast(), ever()),
  ratio('paidToLimit', { dividend: paid6, divisor: limit, description: 'Sum of payments of 6 months / latest credit limit' }),
  ratio('paidToBilled', { dividend: paid6, divisor: balanceSum6, description: 'Sum of payments / sum of closing balances, 6 months' }),
]

export const creditV1Definitions: readonly Definition[] = [...application, ...history, ...balances, ...lateness, ...discipline, ...payments]
