/** *on*: the event kinds features may look at, and what the schemas say of their fields. */
import { EVENT_SCHEMAS } from '#schemas/events.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { PiiClass } from '#schemas/field.ts'
import type { LINKED_KINDS } from '#schemas/linked-update.ts'

/** What applications name beside their applicant, and share with those of others. */
export type LinkedEntity = (typeof LINKED_KINDS)[number]

/** *by*: whose events are taken together. */
export type Entity = 'applicant' | LinkedEntity

/** Outcomes are labels and subject requests are rights: neither may bear on a decision. */
export const FOLDED_KINDS = ['application', 'statement', 'payment', 'transaction', 'bureau'] as const
export type FoldedKind = (typeof FOLDED_KINDS)[number]

type EventOf<Kind extends FoldedKind> = Extract<CreditEvent, { kind: Kind }>

/** Part of the envelope: numbers, but no facts about the borrower. */
type EnvelopeNumber = 'eventTime' | 'schemaVersion'
/** Part of the envelope, and the currency, which is one for all of an applicant's events. */
const ENVELOPE_TEXTS = ['eventId', 'producer', 'traceparent', 'tenant', 'kind', 'currency'] as const
type EnvelopeText = (typeof ENVELOPE_TEXTS)[number]

/** Names of the fields of `Kind` that hold numbers. */
export type NumericField<Kind extends FoldedKind> = {
  [Field in Exclude<keyof EventOf<Kind>, EnvelopeNumber>]-?: NonNullable<EventOf<Kind>[Field]> extends number ? Field : never
}[Exclude<keyof EventOf<Kind>, EnvelopeNumber>] &
  string

/** Names of the fields of `Kind` that hold categories, texts or identifiers. */
export type TextField<Kind extends FoldedKind> = {
  [Field in Exclude<keyof EventOf<Kind>, EnvelopeText>]-?: NonNullable<EventOf<Kind>[Field]> extends string ? Field : never
}[Exclude<keyof EventOf<Kind>, EnvelopeText>] &
  string

/** What the text field may hold: one of its choices where the schema lists them. */
export type TextValue<Kind extends FoldedKind, Field extends TextField<Kind>> = NonNullable<EventOf<Kind>[Field]>

interface FieldMeaning {
  readonly description: string
  readonly unit: string
  readonly pii: PiiClass
  readonly optional: boolean
}

interface NumericFieldFacts extends FieldMeaning {
  readonly minimum: number
  readonly maximum: number
}

interface TextFieldFacts extends FieldMeaning {
  /** Every value there can be, in the schema's order; `null` where texts are free. */
  readonly choices: readonly string[] | null
}

type Property = Partial<NumericFieldFacts> & { readonly type?: string; readonly enum?: readonly string[] }

const property = (kind: FoldedKind, field: string): { readonly found: Property; readonly optional: boolean } | undefined => {
  const schema = EVENT_SCHEMAS[kind] as unknown as {
    readonly properties: Readonly<Record<string, Property>>
    readonly required: readonly string[]
  }
  if (!Object.hasOwn(schema.properties, field)) return undefined
  return { found: schema.properties[field]!, optional: !schema.required.includes(field) }
}

/** What the schema says of a field, or `undefined` where `kind` has no such numeric field. */
export const numericField = (kind: FoldedKind, field: string): NumericFieldFacts | undefined => {
  const { found, optional } = property(kind, field) ?? {}
  if (found?.type !== 'integer' || optional === undefined || field === 'schemaVersion') return undefined
  const { description, unit, pii, minimum, maximum } = found
  if (description === undefined || unit === undefined || pii === undefined || minimum === undefined || maximum === undefined)
    return undefined
  return { description, unit, pii, minimum, maximum, optional }
}

/** What the schema says of a field, or `undefined` where `kind` has no such field of texts. */
export const textField = (kind: FoldedKind, field: string): TextFieldFacts | undefined => {
  const { found, optional } = property(kind, field) ?? {}
  if (found?.type !== 'string' || optional === undefined || (ENVELOPE_TEXTS as readonly string[]).includes(field)) return undefined
  const { description, unit, pii } = found
  if (description === undefined || unit === undefined || pii === undefined) return undefined
  return { description, unit, pii, optional, choices: found.enum ?? null }
}

/** Names of the numeric fields of `kind`, for messages. */
export const numericFieldNames = (kind: FoldedKind): string[] =>
  Object.keys(EVENT_SCHEMAS[kind].properties).filter((field) => numericField(kind, field) !== undefined)

/** Names of the text fields of `kind`, for messages. */
export const textFieldNames = (kind: FoldedKind): string[] =>
  Object.keys(EVENT_SCHEMAS[kind].properties).filter((field) => textField(kind, field) !== undefined)
