/** The mapping file: which files hold which tables, and which events each row becomes. Texts that begin with `=` are expressions. */
import Type, { type Static } from 'typebox'
import { EVENT_KINDS } from '#schemas/events.ts'

const NAME = '^[A-Za-z][A-Za-z0-9_-]*$'
const named = <Value extends Type.TSchema>(value: Value, description: string) =>
  Type.Record(Type.String({ pattern: NAME }), value, { description, additionalProperties: false })
const expression = (description: string) => Type.String({ description, minLength: 2, maxLength: 2_000, pattern: '^=' })
const missing = Type.Array(Type.String(), { description: 'Texts that stand for a missing value, besides the empty cell', maxItems: 100 })
/** A literal, or an expression. */
const value = Type.Union([Type.String({ minLength: 1, maxLength: 2_000 }), Type.Number(), Type.Boolean()])

const FormatSchema = Type.Object(
  {
    kind: Type.Optional(Type.Enum(['csv', 'json', 'parquet'], { description: 'Format; told from the file name where absent' })),
    delimiter: Type.Optional(Type.String({ description: 'CSV: one character between cells', pattern: '^[\\x01-\\x7f]$' })),
    encoding: Type.Optional(Type.Enum(['utf-8', 'latin1'], { description: 'CSV: encoding of the text' })),
    header: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'CSV: column names of files without a header line', minItems: 1 }),
    ),
    headerHas: Type.Optional(
      Type.String({ description: 'CSV: a column name; what stands above the line that has it is passed over', minLength: 1 }),
    ),
    footer: Type.Optional(
      Type.String({
        description: 'CSV: lines of another width that begin with this text are no records and are passed over',
        minLength: 1,
      }),
    ),
  },
  { additionalProperties: false, description: 'How the files are written' },
)

const ColumnSchema = Type.Object(
  {
    missing: Type.Optional(missing),
    optional: Type.Optional(Type.Boolean({ description: 'Files may lack the column; it is missing then' })),
    personal: Type.Optional(Type.Boolean({ description: 'Values are repeated in no message and no report' })),
  },
  { additionalProperties: false, description: 'What is special about a column' },
)

const EventSchema = Type.Object(
  {
    kind: Type.Enum([...EVENT_KINDS], { description: 'Kind of the event' }),
    each: Type.Optional(
      Type.Record(Type.String({ pattern: NAME }), Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ maximum: 1_000 })]), {
        description: 'A variable and its first and last value: one event for each',
        minProperties: 1,
        maxProperties: 1,
      }),
    ),
    when: Type.Optional(expression('Condition without which there is no event')),
    time: expression('Instant of the event'),
    eventId: Type.Optional(
      Type.Union([expression('Identifier of the event')], { description: 'Identifier; made of the row’s key where absent' }),
    ),
    fields: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]*$' }), value, {
        description: 'Fields of the event',
        additionalProperties: false,
      }),
    ),
    attributes: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-zA-Z]{0,31}$' }), value, {
        description: 'Attributes of a protected event',
        minProperties: 1,
      }),
    ),
  },
  { additionalProperties: false, description: 'An event of every row' },
)

const TableSchema = Type.Object(
  {
    files: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Names of its files without their endings, * for anything; the table’s name where absent',
        minItems: 1,
      }),
    ),
    required: Type.Optional(Type.Boolean({ description: 'Whether there must be a file' })),
    note: Type.Optional(Type.String({ description: 'For readers of the mapping' })),
    format: Type.Optional(FormatSchema),
    missing: Type.Optional(missing),
    columns: Type.Optional(Type.Record(Type.String({ minLength: 1 }), ColumnSchema, { description: 'Columns that need saying something' })),
    where: Type.Optional(expression('Condition of the rows that are read; others are passed over and counted')),
    let: Type.Optional(named(expression('Named part'), 'Parts that several expressions share')),
    key: Type.Optional(expression('What tells rows apart; the row’s number in its file where absent')),
    applicant: Type.Optional(expression('Pseudonym of the borrower')),
    events: Type.Optional(Type.Array(EventSchema, { description: 'Events of every row', maxItems: 50 })),
    compareWith: Type.Optional(Type.String({ description: 'Table that the profile measures drift against' })),
  },
  { additionalProperties: false, description: 'A table' },
)

const LookupSchema = Type.Object(
  {
    from: Type.String({ description: 'Table whose rows are read beforehand' }),
    by: expression('Key that rows are grouped by'),
    when: Type.Optional(expression('Condition of the rows that count')),
    keep: named(
      Type.String({ pattern: '^=\\s*(count|sum|min|max|first|last)\\s*\\(' }),
      'What is kept of a group: =count(), =count(condition), =sum(x), =min(x), =max(x), =first(x), =last(x)',
    ),
  },
  { additionalProperties: false, description: 'Facts of another table, found by a key' },
)

export const MappingSchema = Type.Object(
  {
    mapping: Type.String({ description: 'Name of the mapping', pattern: '^[a-z0-9][a-z0-9-]*$' }),
    title: Type.String({ description: 'What it maps, in a line', minLength: 1, maxLength: 200 }),
    note: Type.Optional(Type.String({ description: 'Where the files come from, and what of the events is an assumption' })),
    producer: Type.String({ description: 'Producer that the events name', pattern: '^[A-Za-z0-9._:~-]{1,128}$' }),
    origin: Type.Optional(
      Type.String({ description: 'Day that relative times count from', pattern: '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$' }),
    ),
    minorUnits: Type.Optional(Type.Integer({ description: 'Decimal digits of the currency’s minor unit', minimum: 0, maximum: 4 })),
    missing: Type.Optional(missing),
    codes: Type.Optional(
      named(
        Type.Record(Type.String(), Type.String({ minLength: 1 }), { description: 'Value in the file: what it means' }),
        'Lists of codes',
      ),
    ),
    lookups: Type.Optional(named(LookupSchema, 'Facts of other tables')),
    tables: named(TableSchema, 'Tables by name'),
  },
  { additionalProperties: false, title: 'mapping', description: 'A mapping of files to events' },
)

export type Mapping = Static<typeof MappingSchema>
export type TableMapping = Mapping['tables'][string]
export type EventMapping = NonNullable<TableMapping['events']>[number]
export type LookupMapping = NonNullable<Mapping['lookups']>[string]
export type FormatMapping = NonNullable<TableMapping['format']>
