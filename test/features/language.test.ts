import { describe, expect, test } from 'vitest'
import { count } from '#features/aggregates/count.ts'
import { daysSinceFirst } from '#features/aggregates/days-since-first.ts'
import { longestStreak } from '#features/aggregates/longest-streak.ts'
import { mean } from '#features/aggregates/mean.ts'
import { sum } from '#features/aggregates/sum.ts'
import { divide, field, greater, named } from '#features/language/expression.ts'
import { feature, ratio, stated } from '#features/language/feature.ts'
import { ever, months } from '#features/language/window.ts'

const by = 'applicant'
const late = named('late', 'flag', 'late statements', greater(field('statement', 'repaymentStatus'), 0))
const utilisation = named(
  'utilisation',
  'share',
  'utilisation',
  divide(field('statement', 'closingBalance'), field('statement', 'creditLimit')),
)

describe('a definition', () => {
  test('names itself entity.kind.field.aggregate.window', () => {
    expect(feature({ on: 'payment', by, field: 'amount', how: sum(), window: months(3) }).name).toBe('applicant.payment.amount.sum.3mo')
    expect(feature({ on: 'payment', by, how: count(), window: months(6) }).name).toBe('applicant.payment.event.count.6mo')
    expect(feature({ on: 'statement', by, where: late, how: count(), window: months(6) }).name).toBe('applicant.statement.late.count.6mo')
    expect(feature({ on: 'statement', by, expression: utilisation, where: late, how: mean(), window: months(1) }).name).toBe(
      'applicant.statement.utilisation-where-late.mean.1mo',
    )
    expect(stated({ by, field: 'amount' }).name).toBe('applicant.application.amount.stated.now')
  })

  test('says what it means and in which unit', () => {
    const paid = feature({ on: 'payment', by, field: 'amount', how: sum(), window: months(3) })
    expect([paid.description, paid.unit]).toEqual(['Sum of amount paid, over the last 3 months', 'minor currency units'])
    const share = feature({ on: 'statement', by, expression: late, how: mean(), window: months(1) })
    expect([share.description, share.unit]).toEqual(['Share of late statements, over the last month', 'share'])
  })

  test('a ratio takes the windows of both its sides', () => {
    const near = feature({ on: 'payment', by, field: 'amount', how: sum(), window: months(3) })
    const far = feature({ on: 'payment', by, field: 'amount', how: sum(), window: months(6) })
    expect(ratio('trend', { dividend: near, divisor: far, description: 'd' }).name).toBe('applicant.payment.trend.ratio.3mo-6mo')
    expect(ratio('one', { dividend: far, divisor: far, description: 'd' }).name).toBe('applicant.payment.one.ratio.6mo')
  })

  test('a field the kind lacks fails to compile, and at run time names the ones there are', () => {
    // @ts-expect-error: payments have no closing balance
    expect(() => feature({ on: 'payment', by, field: 'closingBalance', how: sum(), window: months(3) })).toThrow(
      'feature "applicant.payment.closingBalance.sum.3mo": payment has no numeric field "closingBalance"; use one of amount',
    )
    // @ts-expect-error: a period is no number
    expect(() => feature({ on: 'statement', by, field: 'period', how: sum(), window: months(3) })).toThrow(/no numeric field "period"/)
    // @ts-expect-error: the envelope's version is no fact about a borrower
    expect(() => feature({ on: 'payment', by, field: 'schemaVersion', how: sum(), window: months(3) })).toThrow(/no numeric field/)
    // @ts-expect-error: outcomes are labels
    expect(() => feature({ on: 'outcome', by, how: count(), window: months(3) })).toThrow(/"outcome" events bear on no decision/)
    // @ts-expect-error: an expression over statements says nothing of payments
    expect(() => feature({ on: 'payment', by, expression: utilisation, how: mean(), window: months(3) })).toThrow(
      /"utilisation" is of statement/,
    )
  })

  test('what does not fit together is refused by name, with a remedy', () => {
    expect(() => feature({ on: 'payment', by, how: mean(), window: months(3) })).toThrow(
      'feature "applicant.payment.event.mean.3mo": "mean" needs a value; give field or expression',
    )
    expect(() => feature({ on: 'payment', by, field: 'amount', how: count(), window: months(3) })).toThrow(/looks at events, not at values/)
    expect(() => feature({ on: 'statement', by, expression: utilisation, how: longestStreak(), window: months(3) })).toThrow(/needs a flag/)
    expect(() => feature({ on: 'statement', by, where: utilisation, how: count(), window: months(3) })).toThrow(/is not a flag/)
    expect(() => feature({ on: 'statement', by, expression: late, how: longestStreak(), window: ever() })).toThrow(
      /no meaning over the window "ever"; use months/,
    )
    expect(() => feature({ on: 'payment', by, how: daysSinceFirst(), window: months(3) })).toThrow(/use ever/)
    expect(() => months(0)).toThrow(/1 to 24 whole months, got 0/)
  })
})
