/** A whole event straight to bytes, where all of its fields can be written so; the same bytes as the general way, or none. */
import type { Scope } from '../expression/node.ts'
import { CellFault } from '../row.ts'
import { type EventLines, IDENTIFIER } from './event-lines.ts'
import type { FieldProgram } from './event-fields.ts'
import { type FieldWriter, isEventTime, isPlain } from './field-writers.ts'
import type { EventNames, EventProgram, RowParts } from './table-program.ts'

/** Adds a line. False: nothing is decided, and what was written of the line must be dropped. */
export type EventWriter = (scope: Scope, applicantId: string, lines: EventLines) => boolean

const ID_LETTERS_MAX = 128
/** As the schema of protected attributes has them. */
const ATTRIBUTE_NAME = /^[a-z][a-zA-Z]{0,31}$/
const ATTRIBUTES_MAX = 16

const writersOf = (programs: readonly FieldProgram[]): readonly FieldWriter[] | undefined => {
  const writers = programs.flatMap(({ write }) => (write === undefined ? [] : [write]))
  return writers.length === programs.length ? writers : undefined
}

/** Writes the event's identifier, as {@link EventProgram.eventId} or the row's key has it. */
const idWriter = (
  program: EventProgram,
  { key }: RowParts,
  { table, literals }: EventNames,
): ((scope: Scope, lines: EventLines) => boolean) => {
  const own = program.eventId
  const turns = program.last > program.first
  const before = literals.numberOf(own === undefined ? `${table}.` : '')
  const after = literals.numberOf(own === undefined ? `.${program.suffix}${turns ? '.' : ''}` : '')
  const around = own === undefined ? table.length + program.suffix.length + 2 + (turns ? 1 : 0) : 0
  return (scope, lines) => {
    const name = own === undefined ? key(scope) : own(scope)
    if (name === null || name === '') return false
    lines.literal(before)
    const from = lines.used
    if (!lines.letters(name, IDENTIFIER)) return false
    lines.literal(after)
    if (own === undefined && turns) lines.integer(scope.each)
    // The literal behind the name takes two bytes here.
    return lines.used - from - 2 + around <= ID_LETTERS_MAX
  }
}

const writeAll = (writers: readonly FieldWriter[], scope: Scope, lines: EventLines): boolean => {
  for (let index = 0; index < writers.length; index++) if (!writers[index]!(scope, lines)) return false
  return true
}

/** Undefined where a field of the event has no short way. */
export const eventWriter = (program: EventProgram, parts: RowParts, named: EventNames): EventWriter | undefined => {
  const fields = writersOf(program.fields)
  const attributes = writersOf(program.attributes ?? [])
  const attributeNames = program.attributes?.map(({ name }) => name) ?? []
  const { literals } = named
  const idHead = literals.numberOf('{"eventId":"')
  const kindHead = literals.numberOf(`","kind":"${program.kind}","applicantId":"`)
  const timeHead = literals.numberOf('","eventTime":')
  const producer = literals.numberOf(`,"producer":"${named.producer}"`)
  const [comma, attributesHead, end] = [literals.numberOf(','), literals.numberOf(',"attributes":{'), literals.numberOf('}')]
  const sound =
    isIdentifier(named.producer) &&
    isIdentifier(`${named.table}.${program.suffix}`) &&
    attributeNames.length <= ATTRIBUTES_MAX &&
    attributeNames.every((name) => ATTRIBUTE_NAME.test(name)) &&
    isPlain(program.kind)
  if (fields === undefined || attributes === undefined || !sound) return undefined
  const writeId = idWriter(program, parts, named)

  const attributesTo = (scope: Scope, lines: EventLines): boolean => {
    lines.literal(attributesHead)
    const first = lines.used
    for (const attribute of attributes) {
      const before = lines.used
      if (before > first) lines.literal(comma)
      const from = lines.used
      if (!attribute(scope, lines)) return false
      if (lines.used === from) lines.used = before
    }
    if (lines.used === first) return false
    lines.literal(end)
    return true
  }
  const write: EventWriter = (scope, applicantId, lines) => {
    const time = program.time(scope)
    if (!isEventTime(time) || applicantId.length === 0 || applicantId.length > ID_LETTERS_MAX) return false
    lines.literal(idHead)
    if (!writeId(scope, lines)) return false
    lines.literal(kindHead)
    if (!lines.letters(applicantId, IDENTIFIER)) return false
    lines.literal(timeHead)
    lines.instant(time)
    lines.literal(producer)
    if (!writeAll(fields, scope, lines) || (program.attributes !== undefined && !attributesTo(scope, lines))) return false
    lines.literal(end)
    lines.endLine(time)
    return true
  }
  return (scope, applicantId, lines) => {
    try {
      return write(scope, applicantId, lines)
    } catch (error) {
      // The general way meets the same cell again, and knows which field it belongs to.
      if (error instanceof CellFault) return false
      throw error
    }
  }
}

const isIdentifier = (text: string): boolean => /^[A-Za-z0-9._:~-]{1,128}$/.test(text)
