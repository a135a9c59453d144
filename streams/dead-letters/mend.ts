/** Mending a dead letter's event: fields set or removed by JSON pointer, and what is still wrong with the result. Pure. */
import { EVENT_SCHEMAS, type EventKind } from '#schemas/events.ts'
import { parseEvent } from '#schemas/parse-event.ts'
import type { FieldError } from '#schemas/rejection.ts'
import { mayHoldProtected } from '../protected-bytes.ts'

export type Change =
  | { readonly kind: 'set'; readonly pointer: string; readonly text: string }
  | { readonly kind: 'unset'; readonly pointer: string }

/** A change that cannot be carried out: the pointer leads nowhere. */
export class ChangeRefused extends Error {
  readonly code = 'change-refused'
  constructor(message: string) {
    super(message)
    this.name = 'ChangeRefused'
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const tokensOf = (pointer: string): string[] => {
  if (!pointer.startsWith('/')) throw new ChangeRefused(`"${pointer}" is no JSON pointer: it begins with "/", as in /amount`)
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Texts stay texts where the schema says so; everything else is read as JSON, and what is no JSON is a text. */
const valueOf = (text: string, kind: unknown, tokens: readonly string[]): unknown => {
  const [name = ''] = tokens
  const properties = typeof kind === 'string' && Object.hasOwn(EVENT_SCHEMAS, kind) ? EVENT_SCHEMAS[kind as EventKind].properties : {}
  const field = tokens.length === 1 && Object.hasOwn(properties, name) ? (properties as Record<string, { type?: string }>)[name] : undefined
  if (field?.type === 'string' && !text.startsWith('"')) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** The event with the changes, in order; the given value is left as it is. Throws {@link ChangeRefused}. */
export const applyChanges = (event: unknown, changes: readonly Change[]): Record<string, unknown> => {
  if (!isObject(event))
    throw new ChangeRefused('the bytes are no JSON object, so no field of it can be set: give the whole event with --file')
  const mended = structuredClone(event)
  for (const change of changes) {
    const tokens = tokensOf(change.pointer)
    let at: Record<string, unknown> = mended
    for (const token of tokens.slice(0, -1)) {
      const next = Object.hasOwn(at, token) ? at[token] : undefined
      if (!isObject(next)) throw new ChangeRefused(`${change.pointer} leads through "${token}", which is no object in this event`)
      at = next
    }
    const last = tokens.at(-1) as string
    if (change.kind === 'unset') {
      if (!Object.hasOwn(at, last)) throw new ChangeRefused(`${change.pointer} is not in the event, so it cannot be removed`)
      delete at[last]
    } else {
      const value = valueOf(change.text, mended['kind'], tokens)
      Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true })
    }
  }
  return mended
}

export type MendVerdict =
  | { readonly kind: 'sound'; readonly eventId: string }
  | { readonly kind: 'wrong'; readonly detail: string; readonly errors: readonly FieldError[] }

const wrong = (detail: string, errors: readonly FieldError[] = []): MendVerdict => ({ kind: 'wrong', detail, errors })

/** Whether the mended bytes may be replayed. `refused` is what the original was refused for, `original` its event where it could be read. */
export const judgeMended = (bytes: Uint8Array, refused: string, original: unknown): MendVerdict => {
  const parsed = parseEvent(bytes)
  if (parsed.kind === 'rejected') return wrong(parsed.rejection.detail, parsed.rejection.errors)
  const { eventId, producer } = parsed.value
  const same = isObject(original) && original['eventId'] === eventId && original['producer'] === producer
  if (refused === 'duplicate-conflict' && same)
    return wrong('the event id was used before with other content; the first stands', [
      { pointer: '/eventId', value: eventId.slice(0, 64), expected: 'an id not used before', remedy: 'set /eventId to an id of its own' },
    ])
  return { kind: 'sound', eventId }
}

/** Protected attributes may lie nowhere but in the vault: an event that may hold some is not kept, so it cannot be mended here. */
export const mayBeKept = (bytes: Uint8Array): boolean => !mayHoldProtected(bytes)
