/** The events producers send: one envelope, eight kinds. `CreditEvent` is the parsed form; instants are numbers. */
import Type, { type Static } from 'typebox'
import { choice, currency, flag, identifier, instant, integer, money, month, text } from './field.ts'
import type { ApplicantId } from './units.ts'

const envelope = {
  eventId: identifier('Identifier of the event, unique per producer; a retry repeats it'),
  applicantId: Type.Unsafe<ApplicantId>(identifier('Pseudonym of the borrower; the partition key', 'pseudonym')),
  eventTime: instant('When the fact became true'),
  producer: identifier('System that sent the event'),
  schemaVersion: Type.Optional(integer('Version of the body schema the producer wrote', 'version', 1, 1_000_000, 'none')),
  traceparent: Type.Optional(
    Type.String({
      description: 'W3C trace context',
      unit: 'traceparent',
      pii: 'none',
      pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$',
    }),
  ),
  tenant: Type.Optional(identifier('Tenant; absent means "default"')),
}

const event = <const Kind extends string, Body extends Type.TProperties>(kind: Kind, description: string, body: Body) =>
  Type.Object({ ...envelope, kind: Type.Literal(kind), ...body }, { title: kind, description, additionalProperties: false })

export const Application = event('application', 'A request for credit; the only kind that produces a decision', {
  applicationId: identifier('Identifier of the application', 'pseudonym'),
  product: choice('Product applied for', ['credit-line', 'credit-card', 'personal-loan', 'instalment', 'mortgage', 'auto']),
  amount: money('Amount applied for', { minimum: 0 }),
  currency: currency(),
  termMonths: integer('Term; 0 for revolving credit', 'months', 0, 600, 'none'),
  purpose: text('Purpose stated by the applicant', 64, 'quasi'),
  channel: choice('Channel through which the application came', ['branch', 'online', 'mobile', 'phone', 'partner', 'account-review']),
  incomeMonthly: Type.Optional(money('Stated gross monthly income', { minimum: 0 })),
  employmentType: Type.Optional(
    choice('Stated employment', ['employed', 'self-employed', 'unemployed', 'retired', 'student', 'other'], 'quasi'),
  ),
  employmentSince: Type.Optional(month('Month the present employment began')),
  housing: Type.Optional(choice('Stated housing', ['own', 'mortgage', 'rent', 'family', 'other'], 'quasi')),
  deviceId: Type.Optional(identifier('Pseudonym of the device', 'pseudonym')),
  employerId: Type.Optional(identifier('Pseudonym of the employer', 'pseudonym')),
  addressId: Type.Optional(identifier('Pseudonym of the address', 'pseudonym')),
})

const Statement = event('statement', 'A monthly account statement', {
  accountId: identifier('Pseudonym of the account', 'pseudonym'),
  period: month('Month the statement covers'),
  closingBalance: money('Balance owed at closing; negative where the bank owes the client'),
  creditLimit: money('Credit limit at closing', { minimum: 0 }),
  currency: currency(),
  repaymentStatus: integer('−2 no use, −1 paid in full, 0 revolving, n = n months late', 'months late', -2, 120),
  minimumDue: Type.Optional(money('Minimum payment due', { minimum: 0 })),
})

const Payment = event('payment', 'A payment received on an account', {
  accountId: identifier('Pseudonym of the account', 'pseudonym'),
  amount: money('Amount paid', { minimum: 1 }),
  currency: currency(),
  period: Type.Optional(month('Month of the statement it settles')),
})

const Transaction = event('transaction', 'A movement on an account', {
  accountId: identifier('Pseudonym of the account', 'pseudonym'),
  amount: money('Amount moved', { minimum: 0 }),
  currency: currency(),
  direction: choice('Into or out of the account', ['in', 'out']),
  category: text('Category of the movement', 64, 'quasi'),
  counterpartyId: Type.Optional(identifier('Pseudonym of the counterparty', 'pseudonym')),
})

const Bureau = event('bureau', 'A credit bureau report', {
  source: identifier('Bureau that issued the report'),
  lines: integer('Credit lines on file', 'lines', 0, 10_000),
  activeLines: integer('Credit lines in use', 'lines', 0, 10_000),
  overdueAmount: money('Amount overdue over all lines', { minimum: 0 }),
  currency: currency(),
  worstStatus: integer('Worst status over all lines', 'months late', -2, 120),
  inquiries30d: integer('Inquiries in the last 30 days', 'inquiries', 0, 10_000),
  inquiries12m: integer('Inquiries in the last 12 months', 'inquiries', 0, 10_000),
})

const Outcome = event('outcome', 'What became of a decided application', {
  applicationId: identifier('Application the label belongs to', 'pseudonym'),
  label: integer('0 good, 1 bad', 'label', 0, 1),
  definition: text('Definition of bad, e.g. default-1m', 64),
  horizonDays: integer('Days from decision to maturity', 'days', 1, 3_650, 'none'),
  maturedAt: instant('When the label became final'),
  observed: flag('False where the loan was declined and the label is counterfactual'),
})

/** Routed to the vault at ingest; never in the log, the state or a feature. */
const Protected = event('protected', 'Attributes that may not bear on a decision; held in the vault alone', {
  attributes: Type.Record(Type.String({ pattern: '^[a-z][a-zA-Z]{0,31}$' }), Type.String({ minLength: 1, maxLength: 64 }), {
    description: 'Attribute name (sex, birthYear, ethnicity, maritalStatus, education …) → value',
    unit: 'category',
    pii: 'protected',
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 16,
  }),
})

const SubjectRequest = event('subject-request', 'A request of the person behind the pseudonym', {
  request: choice('What is asked', ['consent', 'objection', 'access', 'erasure'], 'quasi'),
})

export const EVENT_SCHEMAS = {
  application: Application,
  statement: Statement,
  payment: Payment,
  transaction: Transaction,
  bureau: Bureau,
  outcome: Outcome,
  protected: Protected,
  'subject-request': SubjectRequest,
} as const

export type EventKind = keyof typeof EVENT_SCHEMAS
export const EVENT_KINDS = Object.keys(EVENT_SCHEMAS) as EventKind[]

export type ApplicationEvent = Static<typeof Application>
export type StatementEvent = Static<typeof Statement>
export type PaymentEvent = Static<typeof Payment>
type TransactionEvent = Static<typeof Transaction>
type BureauEvent = Static<typeof Bureau>
export type OutcomeEvent = Static<typeof Outcome>
export type ProtectedEvent = Static<typeof Protected>
type SubjectRequestEvent = Static<typeof SubjectRequest>

/** Kinds that may enter the log. */
export type CreditEvent =
  | ApplicationEvent
  | StatementEvent
  | PaymentEvent
  | TransactionEvent
  | BureauEvent
  | OutcomeEvent
  | SubjectRequestEvent
/** Kinds a producer may send. */
export type ProducedEvent = CreditEvent | ProtectedEvent
