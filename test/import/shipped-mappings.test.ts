import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FIXTURES, importShipped, withFolder } from './import-world.ts'

type Event = Readonly<Record<string, unknown>>

const imported = (name: string) => importShipped(name, [join(FIXTURES, name)])
const of = (events: readonly Event[], kind: string, who?: string): readonly Event[] =>
  events.filter((event) => event['kind'] === kind && (who === undefined || event['applicantId'] === who))

describe('home-credit', () => {
  test('counts days from the origin, reads 365243 and XNA as missing, and rejects the row whose amount is no number', async () => {
    const { events, rejectLines } = await imported('home-credit')
    const [application] = of(events, 'application', 'hc-900001').filter((event) => event['applicationId'] === 'hc-900001')
    expect(application).toEqual({
      eventId: 'application_train.900001.application1',
      kind: 'application',
      applicantId: 'hc-900001',
      eventTime: '2018-05-17T12:00:00.000Z',
      producer: 'home-credit-import',
      applicationId: 'hc-900001',
      product: 'personal-loan',
      amount: 40_500_050,
      currency: 'CZK',
      // 405,000.5 over 20,250 a month: a little more than twenty.
      termMonths: 21,
      purpose: 'cash-loans',
      channel: 'branch',
      incomeMonthly: 1_500_000,
      employmentType: 'employed',
      // 700 days before 17 May 2018.
      employmentSince: '2016-06',
      housing: 'own',
    })
    const [pensioner] = of(events, 'application', 'hc-900002')
    expect(pensioner).toMatchObject({ termMonths: 0, employmentType: 'retired', housing: 'family' })
    expect(pensioner).not.toHaveProperty('employmentSince')
    expect(of(events, 'protected', 'hc-900001')[0]!['attributes']).toEqual({ sex: 'male', birthYear: '1990', maritalStatus: 'single' })
    expect(rejectLines).toMatchObject([
      {
        step: 'row',
        table: 'application_train',
        line: 4,
        row: 3,
        event: 'application',
        errors: [{ field: 'amount', column: 'AMT_CREDIT' }],
      },
    ])
    expect(events.some((event) => event['applicantId'] === 'hc-900003')).toBe(false)
  })

  test('summarises the bureau by two lookups, the second made with the first', async () => {
    const { events } = await imported('home-credit')
    expect(of(events, 'bureau', 'hc-900001')).toMatchObject([
      {
        lines: 2,
        activeLines: 1,
        overdueAmount: 125_050,
        worstStatus: 3,
        inquiries30d: 1,
        inquiries12m: 3,
        eventTime: '2018-05-17T11:59:00.000Z',
      },
    ])
    expect(of(events, 'bureau', 'hc-900101')).toMatchObject([{ lines: 0, activeLines: 0, overdueAmount: 0, worstStatus: 0 }])
  })

  test('states balances of contracts that are known, payments that were made, and card months', async () => {
    const { events } = await imported('home-credit')
    expect(of(events, 'statement').filter((event) => event['accountId'] === 'hc-700001')).toMatchObject([
      { period: '2018-03', closingBalance: 1_428_750, creditLimit: 1_714_500, repaymentStatus: 2 },
      { period: '2018-04', closingBalance: 1_285_875, repaymentStatus: 0 },
    ])
    expect(of(events, 'payment', 'hc-900001')).toMatchObject([
      { amount: 100_000, eventTime: '2018-04-03T10:00:00.000Z', period: '2018-04' },
      { amount: 73_043 },
    ])
    expect(of(events, 'statement', 'hc-900002')).toMatchObject([
      { closingBalance: -5_697, repaymentStatus: -1 },
      { closingBalance: 6_397_556, repaymentStatus: 1, minimumDue: 225_000 },
    ])
    expect(of(events, 'outcome')).toMatchObject([{ label: 1 }, { label: 0 }])
  })

  test('comes in order of event time, moves with the origin, and does without the tables that are absent', async () => {
    const { events } = await imported('home-credit')
    const times = events.map((event) => String(event['eventTime']))
    expect(times).toEqual(times.toSorted())
    const later = await importShipped('home-credit', [join(FIXTURES, 'home-credit')], { origin: '2020-03-31' })
    expect(of(later.events, 'application', 'hc-900101')[0]!['eventTime']).toBe('2020-03-31T12:00:00.000Z')
    await withFolder(async (folder) => {
      cpSync(join(FIXTURES, 'home-credit'), folder, { recursive: true })
      for (const name of readdirSync(folder)) if (!name.startsWith('application')) rmSync(join(folder, name))
      const alone = await importShipped('home-credit', [folder])
      expect(of(alone.events, 'bureau', 'hc-900001')).toMatchObject([{ lines: 0, worstStatus: 0 }])
    })
  })
})

test('lending-club passes over prose and totals, and knows no outcome of a loan that still runs', async () => {
  const { events, summary, rejectLines } = await imported('lending-club')
  expect(rejectLines).toEqual([])
  expect(summary.tables['accepted']).toEqual({ rows: 4, passedOver: 1, rejected: 0, events: 8 })
  expect(of(events, 'application')).toMatchObject([
    {
      applicationId: 'lc-70000001',
      amount: 1_000_000,
      termMonths: 36,
      purpose: 'debt-consolidation',
      incomeMonthly: 541_667,
      housing: 'mortgage',
      employmentSince: '2006-04',
    },
    { applicationId: 'lc-70000002', termMonths: 60, incomeMonthly: 400_004, housing: 'other' },
    { applicationId: 'lc-70000003', termMonths: 36, employmentSince: '2016-06' },
  ])
  expect(of(events, 'outcome')).toMatchObject([
    { applicationId: 'lc-70000001', label: 0, maturedAt: '2017-06-01T00:00:00.000Z', horizonDays: 426 },
    { applicationId: 'lc-70000002', label: 1, maturedAt: '2021-05-01T00:00:00.000Z' },
  ])
})

test('berka finds the owner of an account, tells women by their month, and payments of a loan from other movements', async () => {
  const { events, rejectLines } = await imported('berka')
  expect(of(events, 'protected').map((event) => event['attributes'])).toEqual([
    { sex: 'female', birthYear: '1970' },
    { sex: 'male', birthYear: '1945' },
    { sex: 'male', birthYear: '1905' },
  ])
  expect(of(events, 'application')).toMatchObject([
    { applicantId: 'bk-1', amount: 9_639_600, termMonths: 12, eventTime: '1993-07-05T09:00:00.000Z' },
    { applicantId: 'bk-2', amount: 16_596_000 },
  ])
  expect(of(events, 'outcome')).toMatchObject([
    { label: 1, definition: 'contract-ended', maturedAt: '1994-07-05T00:00:00.000Z', horizonDays: 365 },
    { label: 0, definition: 'contract-ended' },
  ])
  expect(of(events, 'transaction')).toMatchObject([
    { applicantId: 'bk-1', direction: 'in', category: 'cash-deposit', amount: 70_000 },
    { applicantId: 'bk-2', direction: 'out', category: 'cash-withdrawal' },
    { direction: 'in', category: 'interest', amount: 1_350 },
  ])
  expect(of(events, 'payment')).toMatchObject([{ accountId: 'bk-loan-5314', amount: 803_300, period: '1993-08' }])
  expect(rejectLines).toMatchObject([{ table: 'loan', line: 4, errors: [{ field: 'applicantId' }] }])
})

test('hmda passes over business and purchased loans, and reads NA, Exempt, 1111 and 8888 as missing', async () => {
  const { events, summary } = await imported('hmda')
  expect(summary.tables['register']).toEqual({ rows: 5, passedOver: 2, rejected: 0, events: 6 })
  const byAmount = of(events, 'application').toSorted((a, b) => Number(b['amount']) - Number(a['amount']))
  expect(byAmount).toMatchObject([
    { amount: 25_500_000, termMonths: 360, purpose: 'home-purchase', incomeMonthly: 808_333 },
    { amount: 10_500_000, termMonths: 360, purpose: 'cash-out-refinancing' },
    { amount: 4_500_000, termMonths: 360, incomeMonthly: 0 },
  ])
  expect(byAmount[1]).not.toHaveProperty('incomeMonthly')
  expect(events.every((event) => String(event['eventTime']).startsWith('2022-'))).toBe(true)
  expect(
    of(events, 'protected')
      .map((event) => (event['attributes'] as { ageBand: string }).ageBand)
      .toSorted(),
  ).toEqual(['35-44', '>74', 'unknown'])
})

test('south-german reads cells parted by blanks, and 0 for a bad credit', async () => {
  const { events } = await imported('south-german')
  const first = of(events, 'application', 'sg-0001')[0]!
  expect(first).toMatchObject({
    amount: 104_900,
    termMonths: 18,
    purpose: 'car-used',
    housing: 'family',
    employmentType: 'employed',
    currency: 'DEM',
  })
  expect(Object.fromEntries(of(events, 'outcome').map((event) => [event['applicantId'], event['label']]))).toEqual({
    'sg-0001': 0,
    'sg-0002': 1,
  })
})

test('protected attributes are imported only where that was asked for', async () => {
  const { events } = await importShipped('berka', [join(FIXTURES, 'berka')], { withProtected: false })
  expect(of(events, 'protected')).toEqual([])
  expect(of(events, 'application')).toHaveLength(2)
})
