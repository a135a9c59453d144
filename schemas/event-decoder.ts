/**
 * Input records of any producer → events: JSON, Avro of this build's own schemas, and Avro of any schema the registry knows, one version
 * ahead or behind. Whoever wrote them, everything is checked as at the edge, ranges included.
 */
import type avsc from 'avsc'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { avroSchemaOf, avroTypeOf, foreignAvroType } from './avro.ts'
import { EVENT_SCHEMA_IDS } from './catalog.ts'
import { type CreditEvent, EVENT_SCHEMAS, type ProducedEvent } from './events.ts'
import { HEADER_BYTES } from './framed-codec.ts'
import { eventOf, eventToJson, EVENT_TIME_MS_MAX, parseEvent } from './parse-event.ts'
import type { Parsed, Rejection } from './rejection.ts'
import { schemaIdOf } from './wire.ts'

type Kind = CreditEvent['kind']

/** Where the schemas of foreign writers come from. */
export interface WriterSchemas {
  /** Undefined where there is none of that id. */
  schemaOf(id: number): Promise<string | undefined>
}

export interface EventDecoderOptions {
  /** Absent: only JSON, and Avro with the ids of this build's catalogue. */
  readonly registry?: WriterSchemas
  /** Ids of this build's schemas in the registry (`registerEventSchemas`); absent: those of the catalogue. */
  readonly ids?: Readonly<Record<Kind, number>>
}

interface Reader {
  readonly kind: Kind
  readonly type: avsc.Type
  readonly optional: readonly string[]
  readonly check: { Check(value: unknown): boolean }
}

const KINDS = Object.keys(EVENT_SCHEMA_IDS) as Kind[]

/** The event's schema as it is once parsed: instants are numbers. */
const parsedSchema = (kind: Kind) => {
  const { properties } = EVENT_SCHEMAS[kind]
  const fields = Object.entries(properties).map(([name, schema]) => {
    const isInstant = 'avro' in schema && schema.avro === 'timestamp-millis'
    return [name, isInstant ? Type.Integer({ minimum: 0, maximum: EVENT_TIME_MS_MAX - 1 }) : schema] as const
  })
  return Type.Object(Object.fromEntries(fields), { additionalProperties: false })
}

const readers = new Map<Kind, Reader>()

const readerOf = (kind: Kind): Reader => {
  let reader = readers.get(kind)
  if (reader === undefined) {
    const schema = EVENT_SCHEMAS[kind]
    const required = new Set<string>(schema.required)
    const optional = Object.keys(schema.properties).filter((name) => !required.has(name))
    readers.set(kind, (reader = { kind, type: avroTypeOf(schema), optional, check: Compile(parsedSchema(kind)) }))
  }
  return reader
}

type Writer =
  | { readonly kind: 'readable'; readonly reader: Reader; readonly resolver: avsc.types.RecordType | undefined }
  | { readonly kind: 'unreadable'; readonly rejection: Rejection }

const rejected = (code: Rejection['code'], detail: string): { readonly kind: 'rejected'; readonly rejection: Rejection } => ({
  kind: 'rejected',
  rejection: { code, detail, errors: [] },
})

const OPENING_BRACE = 0x7b
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** JSON texts of events open with a brace; Confluent's frame begins with a zero byte. */
const isJson = (bytes: Uint8Array): boolean => {
  let at = 0
  while (isSpace(bytes[at])) at++
  return bytes[at] === OPENING_BRACE
}

export class EventDecoder {
  readonly #registry: WriterSchemas | undefined
  readonly #writers = new Map<number, Writer>()

  constructor({ registry, ids }: EventDecoderOptions = {}) {
    this.#registry = registry
    for (const kind of KINDS)
      this.#writers.set((ids ?? EVENT_SCHEMA_IDS)[kind], { kind: 'readable', reader: readerOf(kind), resolver: undefined })
  }

  /** Schema ids among these records that must be learned before they are decoded; mostly none. */
  unknownIds(values: Iterable<Uint8Array>): readonly number[] {
    if (this.#registry === undefined) return []
    const out = new Set<number>()
    for (const bytes of values) {
      const id = schemaIdOf(bytes)
      if (id >= 0 && !this.#writers.has(id)) out.add(id)
    }
    return [...out]
  }

  /** Fetches schemas. Rejects where the registry cannot be asked: the same call may succeed later. */
  async learn(ids: readonly number[]): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const text = await this.#registry?.schemaOf(id)
        this.#writers.set(
          id,
          text === undefined ? unreadable('unknown-schema', `the schema registry has no Avro schema ${id}`) : writerOf(id, text),
        )
      }),
    )
  }

  decode(bytes: Uint8Array): Parsed<CreditEvent> {
    if (isJson(bytes)) return loggable(parseEvent(bytes))
    const id = schemaIdOf(bytes)
    const writer = this.#writers.get(id)
    if (writer === undefined)
      return rejected(
        'unknown-schema',
        id < 0 ? 'the record is neither a JSON object nor framed Avro (a zero byte and a schema id)' : `no event schema has the id ${id}`,
      )
    if (writer.kind === 'unreadable') return { kind: 'rejected', rejection: writer.rejection }
    return decodeAvro(writer, bytes)
  }
}

const unreadable = (code: Rejection['code'], detail: string): Writer => ({ kind: 'unreadable', rejection: { code, detail, errors: [] } })

/** Full name of a record; the library's types leave it out. */
const nameOf = (type: avsc.Type): string | undefined => (type as unknown as { getName(): string | undefined }).getName()

/** A foreign schema: its record's name says which kind it is a version of. */
const writerOf = (id: number, text: string): Writer => {
  try {
    const type = foreignAvroType(JSON.parse(text) as avsc.Schema)
    const name = nameOf(type)
    const reader = KINDS.map(readerOf).find((one) => nameOf(one.type) === name)
    if (reader === undefined)
      return unreadable(
        'unknown-schema',
        `schema ${id} is a ${name ?? 'nameless type'}; events are records named ${KINDS.map((kind) => String(avroSchemaOf(EVENT_SCHEMAS[kind])['name'])).join(', ')}`,
      )
    return { kind: 'readable', reader, resolver: reader.type.createResolver(type) as unknown as avsc.types.RecordType }
  } catch (error) {
    return unreadable('unknown-schema', `schema ${id} cannot be read as one of ours: ${(error as Error).message}`)
  }
}

const decodeAvro = ({ reader, resolver }: Writer & { kind: 'readable' }, bytes: Uint8Array): Parsed<CreditEvent> => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let event: Record<string, unknown>
  try {
    const { value, offset } = reader.type.decode(buffer, HEADER_BYTES, resolver)
    if (offset !== bytes.length)
      return rejected(
        'schema-violation',
        `the bytes are not a ${reader.kind}: ${offset < 0 ? 'the record ends too early' : `${bytes.length - offset} bytes follow the record`}`,
      )
    event = value as Record<string, unknown>
  } catch (error) {
    return rejected('schema-violation', `the bytes are not a ${reader.kind}: ${(error as Error).message}`)
  }
  for (const name of reader.optional) if (event[name] === null) event[name] = undefined
  event['kind'] = reader.kind
  return reader.check.Check(event) ? { kind: 'accepted', value: event as unknown as CreditEvent } : explain(event as unknown as CreditEvent)
}

/** The same event as JSON is refused for the same reasons, which the edge knows how to word. */
const explain = (event: CreditEvent): Parsed<CreditEvent> => {
  const said = eventOf(presentable(event))
  return said.kind === 'rejected' ? said : rejected('schema-violation', `the ${event.kind} breaks its schema`)
}

const presentable = (event: CreditEvent): unknown => {
  try {
    return eventToJson(event)
  } catch {
    // An instant outside what dates can say.
    return { ...event, eventTime: String(event.eventTime) }
  }
}

/** Protected attributes have no place in the log: who writes there directly has to send them to the gateway. */
const loggable = (parsed: Parsed<ProducedEvent>): Parsed<CreditEvent> => {
  if (parsed.kind === 'rejected') return parsed
  if (parsed.value.kind === 'protected')
    return {
      kind: 'rejected',
      rejection: {
        code: 'unknown-kind',
        detail: 'protected attributes may not lie in the log; nothing of the event is used',
        errors: [
          {
            pointer: '/kind',
            value: 'protected',
            expected: 'a kind that may enter the log',
            remedy: 'Send protected attributes to the gateway, which keeps them in the vault; delete this record from the topic.',
          },
        ],
      },
    }
  return { kind: 'accepted', value: parsed.value }
}
