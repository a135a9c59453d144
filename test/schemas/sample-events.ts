/** Events of every kind: fixed samples and arbitrary ones. */
import fc from 'fast-check'
import type { CreditEvent } from '#schemas/events.ts'
import { EVENT_SCHEMAS } from '#schemas/events.ts'

const envelope = { eventId: 'e-1', applicantId: 'tw-00001', eventTime: 1_113_091_200_000, producer: 'core-banking' }

/** One of each kind, the optional fields present in some and absent in others. */
export const SAMPLES = [
  {
    ...envelope,
    kind: 'application',
    applicationId: 'a-1',
    product: 'personal-loan',
    amount: 500_000,
    currency: 'EUR',
    termMonths: 36,
    purpose: 'Umzug',
    channel: 'online',
    incomeMonthly: 280_000,
    employmentType: 'employed',
    employmentSince: '2001-03',
    housing: 'rent',
    deviceId: 'd-1',
    tenant: 'north',
  },
  {
    ...envelope,
    kind: 'application',
    applicationId: 'a-2',
    product: 'credit-line',
    amount: 0,
    currency: 'TWD',
    termMonths: 0,
    purpose: '加薪',
    channel: 'branch',
  },
  {
    ...envelope,
    kind: 'statement',
    accountId: 'c-1',
    period: '2005-04',
    closingBalance: -12_345,
    creditLimit: 2_000_000,
    currency: 'TWD',
    repaymentStatus: -2,
  },
  { ...envelope, kind: 'payment', accountId: 'c-1', amount: 68_900, currency: 'TWD', period: '2005-03', schemaVersion: 2 },
  { ...envelope, kind: 'transaction', accountId: 'c-1', amount: 1, currency: 'USD', direction: 'out', category: 'groceries' },
  {
    ...envelope,
    kind: 'bureau',
    source: 'b-1',
    lines: 4,
    activeLines: 2,
    overdueAmount: 0,
    currency: 'EUR',
    worstStatus: 3,
    inquiries30d: 1,
    inquiries12m: 5,
  },
  {
    ...envelope,
    kind: 'outcome',
    applicationId: 'a-1',
    label: 1,
    definition: 'default-1m',
    horizonDays: 30,
    maturedAt: 1_115_683_200_000,
    observed: true,
  },
  { ...envelope, kind: 'subject-request', request: 'erasure', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
] as unknown as readonly CreditEvent[]

interface Field {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly const?: string
  readonly pattern?: string
  readonly avro?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

const valueOf = (field: Field): fc.Arbitrary<unknown> => {
  if (field.const !== undefined) return fc.constant(field.const)
  if (field.avro === 'timestamp-millis') return fc.integer({ min: 0, max: 7_258_118_399_999 })
  if (field.enum) return fc.constantFrom(...field.enum)
  if (field.type === 'boolean') return fc.boolean()
  if (field.type === 'integer')
    return fc.maxSafeInteger().map((value) => {
      const [low, span] = [field.minimum ?? 0, (field.maximum ?? 0) - (field.minimum ?? 0) + 1]
      return low + (Math.abs(value) % span)
    })
  if (field.pattern)
    return fc.stringMatching(new RegExp(field.pattern.replace('+$', '{1,24}$'))).filter((text) => text.length <= (field.maxLength ?? 64))
  return fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => text.length <= (field.maxLength ?? 64) && text.isWellFormed())
}

const eventOfKind = (kind: Exclude<keyof typeof EVENT_SCHEMAS, 'protected'>): fc.Arbitrary<CreditEvent> => {
  const schema = EVENT_SCHEMAS[kind]
  const shape = Object.fromEntries(Object.entries(schema.properties).map(([name, field]) => [name, valueOf(field as Field)]))
  return fc.record(shape, { requiredKeys: [...schema.required], noNullPrototype: true }) as unknown as fc.Arbitrary<CreditEvent>
}

/** Any event that may enter the log, in parsed form. */
export const anyEvent: fc.Arbitrary<CreditEvent> = fc.oneof(
  ...(Object.keys(EVENT_SCHEMAS) as (keyof typeof EVENT_SCHEMAS)[]).filter((kind) => kind !== 'protected').map(eventOfKind),
)
