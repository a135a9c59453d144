/** *on*: the event kinds features may look at, and what the schemas say of their numeric fields. */
import { EVENT_SCHEMAS } from '#schemas/events.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { PiiClass } from '#schemas/field.ts'

/** *by*: whose events are taken together. Linked entities (device, employer, address) join here. */
export type Entity = 'applicant'

/** Outcomes are labels and subject requests are rights: neither may bear on a decision. */
export const FOLDED_KINDS = ['application', 'statement', 'payment', 'transaction', 'bureau'] as const
export type FoldedKind = (typeof FOLDED_KINDS)[number]

type EventOf<Kind extends FoldedKind> = Extract<CreditEvent, { kind: Kind }>

/** Part of the envelope: numbers, but no facts about the borrower. */
type EnvelopeNumber = 'eventTime' | 'schemaVersion'

/** Names of the fields of `Kind` that hold numbers. */
export type NumericField<Kind extends FoldedKind> = {
  [Field in Exclude<keyof EventOf<Kind>, EnvelopeNumber>]-?: NonNullable<EventOf<Kind>[Field]> extends number ? Field : never
}[Exclude<keyof EventOf<Kind>, EnvelopeNumber>] &
  string

interface NumericFieldFacts {
  readonly description: string
  readonly unit: string
  readonly pii: PiiClass
  readonly minimum: number
  readonly maximum: number
  readonly optional: boolean
}

/** What the schema says of a field, or `undefined` where `kind` has no such numeric field. */
export const numericField = (kind: FoldedKind, field: string): NumericFieldFacts | undefined => {
  const schema = EVENT_SCHEMAS[kind] as unknown as {
    readonly properties: Readonly<Record<string, Partial<NumericFieldFacts> & { readonly type?: string }>>
    readonly required: readonly string[]
  }
  const facts = Object.hasOwn(schema.properties, field) ? schema.properties[field] : undefined
  if (facts?.type !== 'integer' || field === 'schemaVersion') return undefined
  const { description, unit, pii, minimum, maximum } = facts
  if (description === undefined || unit === undefined || pii === undefined || minimum === undefined || maximum === undefined)
    return undefined
  return { description, unit, pii, minimum, maximum, optional: !schema.required.includes(field) }
}

/** Names of the numeric fields of `kind`, for messages. */
export const numericFieldNames = (kind: FoldedKind): string[] =>
  Object.keys(EVENT_SCHEMAS[kind].properties).filter((field) => numericField(kind, field) !== undefined)
