/**
 * What credit sense says of the features of version 1: in which direction each may only speak, and which speak for the same principal
 * reason. Training copies both into a model's manifest.
 */

/** Correlated features whose contributions are summed into one principal reason. Every feature of the set is in exactly one group. */
export interface CreditReasonGroup {
  /** Stable, upper-kebab. */
  readonly code: string
  /** Short name for tables. */
  readonly group: string
  /** As it would stand in an adverse-action notice (Regulation B, 12 CFR 1002.9(b)(2)): specific, and about the applicant's own record. */
  readonly text: string
  readonly features: readonly string[]
}

export const creditV1ReasonGroups: readonly CreditReasonGroup[] = [
  {
    code: 'RECENT-DELINQUENCY',
    group: 'recent delinquency',
    text: 'Late payments on an existing account in the last three months',
    features: [
      'applicant.statement.repaymentStatus.last.6mo',
      'applicant.statement.repaymentStatusBefore.last.6mo',
      'applicant.statement.repaymentStatus.mean.3mo',
      'applicant.statement.repaymentStatus.max.3mo',
      'applicant.statement.late.count.3mo',
      'applicant.statement.severelyLate.count.3mo',
    ],
  },
  {
    code: 'DELINQUENCY-HISTORY',
    group: 'delinquency history',
    text: 'Number, severity or duration of late payments on an existing account in the last six months',
    features: [
      'applicant.statement.repaymentStatus.first.6mo',
      'applicant.statement.repaymentStatus.mean.6mo',
      'applicant.statement.repaymentStatus.max.6mo',
      'applicant.statement.repaymentStatus.min.6mo',
      'applicant.statement.repaymentStatus.slope.6mo',
      'applicant.statement.late.count.6mo',
      'applicant.statement.severelyLate.count.6mo',
      'applicant.statement.late.longest-streak.6mo',
      'applicant.statement.severelyLate.longest-streak.6mo',
    ],
  },
  {
    code: 'MISSED-PAYMENTS',
    group: 'missed payments',
    text: 'Bills on which no payment was received',
    features: [
      'applicant.statement.missed.count.3mo',
      'applicant.statement.missed.count.6mo',
      'applicant.statement.missed.longest-streak.6mo',
      'applicant.payment.event.days-since-last.ever',
      'applicant.payment.event.count.3mo',
      'applicant.payment.event.count.6mo',
    ],
  },
  {
    code: 'PARTIAL-PAYMENTS',
    group: 'share of bills paid',
    text: 'Payments cover too small a share of the amounts billed',
    features: [
      'applicant.statement.paidShare.last.6mo',
      'applicant.statement.paidShare.mean.3mo',
      'applicant.statement.paidShare.mean.6mo',
      'applicant.statement.paidShare.min.6mo',
      'applicant.statement.paidInFull.mean.6mo',
      'applicant.payment.paidToBilled.ratio.6mo',
    ],
  },
  {
    code: 'PAYMENT-AMOUNTS',
    group: 'payment amounts',
    text: 'Amount or regularity of payments made in the last six months',
    features: [
      'applicant.payment.amount.sum.1mo',
      'applicant.payment.amount.sum.3mo',
      'applicant.payment.amount.sum.6mo',
      'applicant.payment.amount.mean.6mo',
      'applicant.payment.amount.std.6mo',
      'applicant.payment.amount.min.6mo',
      'applicant.payment.amount.max.6mo',
      'applicant.payment.amount.last.6mo',
      'applicant.payment.amount.slope.6mo',
      'applicant.payment.paidToLimit.ratio.6mo',
    ],
  },
  {
    code: 'HIGH-UTILISATION',
    group: 'utilisation',
    text: 'Proportion of balances to credit limits is too high or rising',
    features: [
      'applicant.statement.utilisation.last.6mo',
      'applicant.statement.utilisation.mean.3mo',
      'applicant.statement.utilisation.mean.6mo',
      'applicant.statement.utilisation.max.6mo',
      'applicant.statement.utilisation.min.6mo',
      'applicant.statement.utilisation.std.6mo',
      'applicant.statement.utilisation.slope.3mo',
      'applicant.statement.utilisation.slope.6mo',
    ],
  },
  {
    code: 'BALANCES',
    group: 'balances',
    text: 'Level or development of balances owed on existing accounts',
    features: [
      'applicant.statement.closingBalance.last.6mo',
      'applicant.statement.closingBalance.first.6mo',
      'applicant.statement.closingBalance.mean.3mo',
      'applicant.statement.closingBalance.mean.6mo',
      'applicant.statement.closingBalance.max.6mo',
      'applicant.statement.closingBalance.std.6mo',
      'applicant.statement.closingBalance.slope.6mo',
      'applicant.statement.balanceTrend.ratio.3mo-6mo',
    ],
  },
  {
    code: 'ACCOUNT-USE',
    group: 'account use',
    text: 'Pattern of use of existing accounts',
    features: [
      'applicant.statement.newCharges.last.6mo',
      'applicant.statement.newCharges.mean.6mo',
      'applicant.statement.unused.mean.6mo',
      'applicant.statement.settled.mean.6mo',
    ],
  },
  {
    code: 'CREDIT-LIMIT',
    group: 'credit limit',
    text: 'Limit, or unused part of the limit, of existing accounts',
    features: ['applicant.statement.creditLimit.last.6mo', 'applicant.statement.headroom.last.6mo'],
  },
  {
    code: 'CREDIT-REQUESTED',
    group: 'credit requested',
    text: 'Amount or terms of the credit requested relative to income, credit limit or balances',
    features: [
      'applicant.application.amount.stated.now',
      'applicant.application.termMonths.stated.now',
      'applicant.application.incomeMonthly.stated.now',
      'applicant.application.amountToIncome.ratio.now',
      'applicant.application.amountToLimit.ratio.now-6mo',
      'applicant.application.amountToBalance.ratio.now-6mo',
    ],
  },
  {
    code: 'RECENT-APPLICATIONS',
    group: 'recent applications',
    text: 'Number or recency of earlier applications for credit',
    features: ['applicant.application.event.count.6mo', 'applicant.application.event.days-since-last.ever'],
  },
  {
    code: 'HISTORY-LENGTH',
    group: 'length of history',
    text: 'Length or recency of credit history is insufficient',
    features: [
      'applicant.statement.event.count.6mo',
      'applicant.statement.event.days-since-first.ever',
      'applicant.statement.event.days-since-last.ever',
    ],
  },
]

/** 1: a higher value may only raise the risk; −1: only lower it. Features left out may speak either way. */
export const creditV1Monotone: Readonly<Record<string, 1 | -1>> = {
  'applicant.application.incomeMonthly.stated.now': -1,
  'applicant.application.amountToIncome.ratio.now': 1,
  'applicant.application.amountToLimit.ratio.now-6mo': 1,
  'applicant.application.event.count.6mo': 1,
  'applicant.statement.event.days-since-first.ever': -1,
  'applicant.statement.creditLimit.last.6mo': -1,
  'applicant.statement.headroom.last.6mo': -1,
  'applicant.statement.utilisation.last.6mo': 1,
  'applicant.statement.utilisation.mean.3mo': 1,
  'applicant.statement.utilisation.mean.6mo': 1,
  'applicant.statement.utilisation.max.6mo': 1,
  'applicant.statement.repaymentStatus.last.6mo': 1,
  'applicant.statement.repaymentStatusBefore.last.6mo': 1,
  'applicant.statement.repaymentStatus.mean.3mo': 1,
  'applicant.statement.repaymentStatus.mean.6mo': 1,
  'applicant.statement.repaymentStatus.max.3mo': 1,
  'applicant.statement.repaymentStatus.max.6mo': 1,
  'applicant.statement.repaymentStatus.slope.6mo': 1,
  'applicant.statement.late.count.3mo': 1,
  'applicant.statement.late.count.6mo': 1,
  'applicant.statement.severelyLate.count.3mo': 1,
  'applicant.statement.severelyLate.count.6mo': 1,
  'applicant.statement.late.longest-streak.6mo': 1,
  'applicant.statement.severelyLate.longest-streak.6mo': 1,
  'applicant.statement.paidShare.last.6mo': -1,
  'applicant.statement.paidShare.mean.3mo': -1,
  'applicant.statement.paidShare.mean.6mo': -1,
  'applicant.statement.paidShare.min.6mo': -1,
  'applicant.statement.paidInFull.mean.6mo': -1,
  'applicant.statement.missed.count.3mo': 1,
  'applicant.statement.missed.count.6mo': 1,
  'applicant.statement.missed.longest-streak.6mo': 1,
  'applicant.payment.event.count.3mo': -1,
  'applicant.payment.event.count.6mo': -1,
  'applicant.payment.amount.sum.1mo': -1,
  'applicant.payment.amount.sum.3mo': -1,
  'applicant.payment.amount.sum.6mo': -1,
  'applicant.payment.amount.mean.6mo': -1,
  'applicant.payment.amount.max.6mo': -1,
  'applicant.payment.amount.last.6mo': -1,
  'applicant.payment.event.days-since-last.ever': 1,
  'applicant.payment.paidToLimit.ratio.6mo': -1,
  'applicant.payment.paidToBilled.ratio.6mo': -1,
}
