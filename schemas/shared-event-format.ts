/**
 * Events in a log that any producer writes to: JSON, framed Avro of this build's own schemas, and framed Avro of any schema the registry knows,
 * one version ahead or behind. Whoever wrote them, everything is checked as at the edge, ranges included.
 *
 * Registries count their ids from 1, as the catalogue does. So where there is a registry all ids are the registry's, those of this program's own
 * records included; without one all are the catalogue's.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type avsc from 'avsc'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { avroSchemaOf, avroTypeOf, foreignAvroType } from './avro.ts'
import { EVENT_SCHEMA_IDS } from './catalog.ts'
import { type EventFormat, jsonIn } from './event-format.ts'
import { type CreditEvent, EVENT_SCHEMAS, type ProducedEvent } from './events.ts'
import { HEADER_BYTES } from './framed-codec.ts'
import { eventOf, eventToJson, EVENT_TIME_MS_MAX, parseEvent } from './parse-event.ts'
import type { Parsed, Rejection } from './rejection.ts'
import { encodeEvent, schemaIdOf } from './wire.ts'

type Kind = CreditEvent['kind']

/** Where the schemas of foreign writers come from. */
export interface WriterSchemas {
  /** Undefined where there is none of that id. Rejects where it cannot be asked. */
  schemaOf(id: number): Promise<string | undefined>
}

export interface SharedEventFormatOptions {
  /** Absent: only JSON, and Avro with the ids of this build's catalogue. */
  readonly registry?: WriterSchemas
  /** Ids of this build's schemas in the registry (`registerEventSchemas`), for those who write; readers learn them as any other. */
  readonly ids?: Readonly<Record<Kind, number>>
  /** Waits before an id that the registry does not have is asked for again: it may have just been registered at another node of it. */
  readonly askAgainAfterMs?: readonly number[]
}

interface Reader {
  readonly kind: Kind
  readonly type: avsc.Type
  readonly optional: readonly string[]
  readonly check: { Check(value: unknown): boolean }
}

const KINDS = Object.keys(EVENT_SCHEMA_IDS) as Kind[]

/** The event's schema as it is once read from Avro: instants are numbers, and there are no fields but its own, which need no looking for others. */
const parsedSchema = (kind: Kind) => {
  const { properties } = EVENT_SCHEMAS[kind]
  const fields = Object.entries(properties).map(([name, schema]) => {
    const isInstant = 'avro' in schema && schema.avro === 'timestamp-millis'
    return [name, isInstant ? Type.Integer({ minimum: 0, maximum: EVENT_TIME_MS_MAX - 1 }) : schema] as const
  })
  return Type.Object(Object.fromEntries(fields))
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

/** Records of one schema id. */
interface Readable {
  readonly reader: Reader
  /** From the writer's schema to ours; undefined where they are the same. */
  readonly resolver: avsc.types.RecordType | undefined
}

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

/** Three seconds in all, while the partitions wait: longer than registries need to agree among their nodes. */
const ASK_AGAIN_AFTER_MS: readonly number[] = [200, 800, 2_000]
/** Questions to the registry at a time. */
const ASKED_MAX = 16
/** Registries count in positive 32-bit integers. */
const ID_MAX = 0x7fffffff
/** Ids remembered to be none of an event schema: garbage may name any. With more, all are forgotten, and asked for again. */
const UNREADABLE_MAX = 4_096

export class SharedEventFormat implements EventFormat {
  readonly #options: SharedEventFormatOptions
  /** As many as the registry has of ours. */
  readonly #readable = new Map<number, Readable>()
  readonly #unreadable = new Map<number, Rejection>()

  constructor(options: SharedEventFormatOptions = {}) {
    this.#options = options
    const ids = options.ids ?? (options.registry === undefined ? EVENT_SCHEMA_IDS : undefined)
    for (const kind of ids === undefined ? [] : KINDS)
      this.#readable.set((ids as Record<Kind, number>)[kind], { reader: readerOf(kind), resolver: undefined })
  }

  encode(event: CreditEvent): Uint8Array {
    const bytes = encodeEvent(event)
    const { registry, ids } = this.#options
    if (registry === undefined) return bytes
    if (ids === undefined) throw new Error('this process only reads events: its schemas were not registered')
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(1, ids[event.kind])
    return bytes
  }

  kindOf(bytes: Uint8Array): Kind | undefined {
    return this.#readable.get(schemaIdOf(bytes))?.reader.kind
  }

  learn(records: readonly { readonly value: Uint8Array }[]): Promise<void> | undefined {
    const { registry } = this.#options
    if (registry === undefined) return undefined
    let unknown: Set<number> | undefined
    for (const { value } of records) {
      const id = schemaIdOf(value)
      if (id >= 0 && id <= ID_MAX && !this.#readable.has(id) && !this.#unreadable.has(id)) (unknown ??= new Set()).add(id)
    }
    return unknown === undefined ? undefined : this.#learn([...unknown], registry)
  }

  decode(bytes: Uint8Array): Parsed<CreditEvent> {
    if (isJson(bytes)) return loggable(parseEvent(bytes))
    const id = schemaIdOf(bytes)
    const writer = this.#readable.get(id)
    if (writer !== undefined) return decodeAvro(writer, bytes)
    const rejection = this.#unreadable.get(id)
    if (rejection !== undefined) return { kind: 'rejected', rejection }
    return rejected(
      'unknown-schema',
      id < 0 ? 'the record is neither a JSON object nor framed Avro (a zero byte and a schema id)' : `no event schema has the id ${id}`,
    )
  }

  toJson(bytes: Uint8Array): unknown {
    const readable = this.#readable.get(schemaIdOf(bytes))
    if (readable === undefined) return jsonIn(bytes)
    const read = readAvro(readable, bytes)
    return read.kind === 'rejected' ? undefined : presentable(read.value as unknown as CreditEvent)
  }

  async #learn(ids: readonly number[], registry: WriterSchemas): Promise<void> {
    let missing = await this.#ask(ids, registry)
    for (const ms of this.#options.askAgainAfterMs ?? ASK_AGAIN_AFTER_MS) {
      if (missing.length === 0) return
      await delay(ms)
      missing = await this.#ask(missing, registry)
    }
    for (const id of missing) this.#refuse(id, `the schema registry has no Avro schema ${id}`)
  }

  /** Returns those that the registry does not have. */
  async #ask(ids: readonly number[], registry: WriterSchemas): Promise<readonly number[]> {
    const missing: number[] = []
    for (let at = 0; at < ids.length; at += ASKED_MAX)
      await Promise.all(
        ids.slice(at, at + ASKED_MAX).map(async (id) => {
          const text = await registry.schemaOf(id)
          if (text === undefined) missing.push(id)
          else this.#take(id, text)
        }),
      )
    return missing
  }

  #take(id: number, text: string): void {
    try {
      this.#readable.set(id, readableAs(text))
    } catch (error) {
      this.#refuse(id, `schema ${id} cannot be read as one of an event: ${(error as Error).message}`)
    }
  }

  #refuse(id: number, detail: string): void {
    if (this.#unreadable.size >= UNREADABLE_MAX) this.#unreadable.clear()
    this.#unreadable.set(id, { code: 'unknown-schema', detail, errors: [] })
  }
}

/** Full name of a record; the library's types leave it out. */
const nameOf = (type: avsc.Type): string | undefined => (type as unknown as { getName(): string | undefined }).getName()

/** A foreign schema: its record's name says which kind it is a version of. Throws where it is of none, or another version than can be read. */
const readableAs = (text: string): Readable => {
  const type = foreignAvroType(JSON.parse(text) as avsc.Schema)
  const name = nameOf(type)
  const reader = KINDS.map(readerOf).find((one) => nameOf(one.type) === name)
  if (reader === undefined)
    throw new TypeError(
      `it is a ${name ?? 'nameless type'}; events are records named ${KINDS.map((kind) => String(avroSchemaOf(EVENT_SCHEMAS[kind])['name'])).join(', ')}`,
    )
  if (type.fingerprint().equals(reader.type.fingerprint())) return { reader, resolver: undefined }
  return { reader, resolver: reader.type.createResolver(type) as unknown as avsc.types.RecordType }
}

/** Types are right then; ranges are not looked at. */
const readAvro = ({ reader, resolver }: Readable, bytes: Uint8Array): Parsed<Record<string, unknown>> => {
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
  return { kind: 'accepted', value: event }
}

const decodeAvro = (readable: Readable, bytes: Uint8Array): Parsed<CreditEvent> => {
  const read = readAvro(readable, bytes)
  if (read.kind === 'rejected') return read
  const event = read.value as unknown as CreditEvent
  return readable.reader.check.Check(event) ? { kind: 'accepted', value: event } : explain(event)
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
