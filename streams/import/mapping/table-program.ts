/** A table's mapping, bound to the columns of one file: row in, events out. */
import { eventOf, EVENT_TIME_MS_MAX } from '#schemas/parse-event.ts'
import type { FieldError } from '#schemas/rejection.ts'
import { compileExpression } from '../expression/compile.ts'
import { type Names, once } from '../expression/context.ts'
import { asFlag, asKind, asText, type Node, type Scope } from '../expression/node.ts'
import { ExpressionFault } from '../expression/tokens.ts'
import { CellFault, type Row } from '../row.ts'
import { attributePrograms, expressionFault, FieldFault, fieldPrograms, type FieldProgram, instantText } from './event-fields.ts'
import { EventLines } from './event-lines.ts'
import { type EventWriter, eventWriter } from './event-writer.ts'
import type { Literals } from './literals.ts'
import type { EventMapping, TableMapping } from './mapping-schema.ts'

export interface RowRejection {
  /** Kind of the event that could not be made; null where the row itself is at fault. */
  readonly kind: string | null
  readonly code: string
  readonly detail: string
  readonly errors: readonly (FieldError & { readonly column?: string })[]
}

export type RowOutcome =
  /** Valid events; overwritten by the next row. */
  | { readonly kind: 'events'; readonly events: EventLines }
  /** Nothing of a rejected row is imported. */
  | { readonly kind: 'rejected'; readonly rejection: RowRejection }
  | { readonly kind: 'passed-over' }

export interface TableProgram {
  map(row: Row): RowOutcome
}

export interface TableFacts {
  readonly producer: string
  /** Names rows that have no key of their own: unique per file. */
  readonly fileName: string
  /** Events of the kind `protected` are made only where the user asks for them. */
  readonly withProtected: boolean
  /** Of the whole import. */
  readonly literals: Literals
}

export interface EventProgram {
  readonly kind: EventMapping['kind']
  readonly first: number
  readonly last: number
  readonly when: ((scope: Scope) => boolean) | undefined
  readonly time: (scope: Scope) => number
  readonly eventId: ((scope: Scope) => string | null) | undefined
  /** Ends the identifier that a row's key begins. */
  readonly suffix: string
  readonly fields: readonly FieldProgram[]
  readonly attributes: readonly FieldProgram[] | undefined
}

/** An expression of the mapping, compiled; `path` for messages. */
const compiled = (source: string, names: Names, path: readonly string[]): Node => {
  try {
    return compileExpression(source.slice(1), names)
  } catch (error) {
    throw error instanceof ExpressionFault ? expressionFault(path, source, error) : error
  }
}

const read = <Result>(source: string, path: readonly string[], step: () => Result): Result => {
  try {
    return step()
  } catch (error) {
    throw error instanceof ExpressionFault ? expressionFault(path, source, error) : error
  }
}

/** An expression that must give a condition, a text or an instant. */
const flagIn = (source: string, names: Names, path: readonly string[]) => {
  const node = compiled(source, names, path)
  return read(source, path, () => asFlag(node, 0))
}
export const textIn = (source: string, names: Names, path: readonly string[]) => {
  const node = compiled(source, names, path)
  return read(source, path, () => asText(node, 0))
}
const timeIn = (source: string, names: Names, path: readonly string[]) => {
  const node = compiled(source, names, path)
  return read(source, path, () => asKind(node, 'time', 0))
}

/** `names` with what the table calls by names of its own. */
export const namesOfTable = (table: TableMapping, names: Names): Names => {
  const lets = new Map<string, Node>()
  const own: Names = { ...names, lets }
  for (const [name, source] of Object.entries(table.let ?? {})) lets.set(name, once(compiled(source, own, ['let', name])))
  return own
}

const eventProgram = (event: EventMapping, index: number, names: Names, literals: Literals): EventProgram => {
  const [each] = Object.entries(event.each ?? {})
  const own: Names = each === undefined ? names : { ...names, each: each[0] }
  return {
    kind: event.kind,
    first: each?.[1][0] ?? 0,
    last: each?.[1][1] ?? 0,
    when: event.when === undefined ? undefined : flagIn(event.when, own, ['when']),
    time: timeIn(event.time, own, ['time']),
    eventId: event.eventId === undefined ? undefined : textIn(event.eventId, own, ['eventId']),
    suffix: `${event.kind}${index}`,
    fields: fieldPrograms(event, own, literals),
    attributes: attributePrograms(event, own, literals),
  }
}

const inEvent = <Result>(index: number, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    if (error instanceof FieldFault)
      throw new FieldFault(['events', String(index), ...error.path], error.value, error.expected, error.remedy)
    throw error
  }
}

/** Binds a table's mapping to columns. Throws FieldFault where a name or kind is wrong. */
export const tableProgram = (name: string, table: TableMapping, names: Names, facts: TableFacts): TableProgram => {
  const own = namesOfTable(table, names)
  const where = table.where === undefined ? undefined : flagIn(table.where, own, ['where'])
  const events = (table.events ?? []).map((event, index) => inEvent(index, () => eventProgram(event, index, own, facts.literals)))
  if (events.length > 0 && table.applicant === undefined)
    throw new FieldFault(['applicant'], 'nothing', 'the pseudonym of a borrower', 'add applicant: an expression that tells whose row it is')
  const applicant = table.applicant === undefined ? () => null : textIn(table.applicant, own, ['applicant'])
  const key = table.key === undefined ? undefined : textIn(table.key, own, ['key'])
  return new RowMapper(
    events.filter(({ kind }) => kind !== 'protected' || facts.withProtected),
    { where, applicant, key: key ?? (({ row }) => `${facts.fileName}.${row.number}`) },
    { producer: facts.producer, table: name, literals: facts.literals },
  )
}

export interface RowParts {
  readonly where: ((scope: Scope) => boolean) | undefined
  readonly applicant: (scope: Scope) => string | null
  readonly key: (scope: Scope) => string | null
}

const NOBODY = { line: 0, number: 0, fault: null, text: () => null, value: () => Number.NaN } satisfies Row
const PASSED_OVER: RowOutcome = { kind: 'passed-over' }

export interface EventNames {
  readonly producer: string
  readonly table: string
  readonly literals: Literals
}

class RowMapper implements TableProgram {
  readonly #events: readonly { readonly program: EventProgram; readonly write: EventWriter | undefined }[]
  readonly #parts: RowParts
  readonly #named: EventNames
  readonly #scope: Scope = { row: NOBODY, each: 0, stamp: 0 }
  readonly #lines = new EventLines()
  readonly #made: RowOutcome = { kind: 'events', events: this.#lines }
  /** What is being made: says where a cell's fault belongs. */
  #kind: string | null = null
  #field = ''

  constructor(events: readonly EventProgram[], parts: RowParts, named: EventNames) {
    this.#events = events.map((program) => ({ program, write: eventWriter(program, parts, named) }))
    this.#parts = parts
    this.#named = named
  }

  map(row: Row): RowOutcome {
    if (row.fault !== null)
      return {
        kind: 'rejected',
        rejection: { kind: null, code: 'broken-record', detail: row.fault.detail, errors: [broken(row.fault.remedy)] },
      }
    const scope = this.#scope
    scope.row = row
    scope.stamp++
    this.#kind = null
    this.#field = 'where'
    try {
      if (this.#parts.where !== undefined && !this.#parts.where(scope)) return PASSED_OVER
      return this.#make(scope)
    } catch (error) {
      if (!(error instanceof CellFault)) throw error
      return { kind: 'rejected', rejection: this.#unreadable(error) }
    }
  }

  #make(scope: Scope): RowOutcome {
    this.#field = 'applicant'
    const applicantId = this.#parts.applicant(scope) ?? undefined
    const lines = this.#lines
    lines.clear()
    for (const { program, write } of this.#events)
      for (let turn = program.first; turn <= program.last; turn++) {
        if (program.last > program.first) scope.stamp++
        scope.each = turn
        this.#kind = program.kind
        this.#field = 'when'
        if (program.when !== undefined && !program.when(scope)) continue
        if (write !== undefined && applicantId !== undefined && write(scope, applicantId, lines)) continue
        lines.dropLine()
        const rejection = this.#event(program, applicantId, scope)
        if (rejection !== undefined) return { kind: 'rejected', rejection }
      }
    return this.#made
  }

  /** The general way, which says what is wrong. */
  #event(program: EventProgram, applicantId: string | undefined, scope: Scope): RowRejection | undefined {
    this.#field = 'eventTime'
    const time = program.time(scope)
    this.#field = 'eventId'
    const event: Record<string, unknown> = {
      eventId: this.#eventId(program, scope),
      kind: program.kind,
      applicantId,
      eventTime: instantText(time),
      producer: this.#named.producer,
    }
    this.#fill(event, program.fields, scope)
    if (program.attributes !== undefined) this.#fill((event['attributes'] = {}), program.attributes, scope)
    for (const name of ['eventId', 'applicantId', 'eventTime']) if (event[name] === undefined) delete event[name]
    const json = JSON.stringify(event)
    const parsed = eventOf(event)
    if (parsed.kind === 'rejected') return { kind: program.kind, ...parsed.rejection }
    this.#lines.addJson(json)
    // The parser keeps instants within this range; a time beyond it was rejected above.
    this.#lines.endLine(Math.min(Math.floor(time), EVENT_TIME_MS_MAX))
    return undefined
  }

  #eventId(program: EventProgram, scope: Scope): string | undefined {
    if (program.eventId !== undefined) return program.eventId(scope) ?? undefined
    const key = this.#parts.key(scope)
    const turn = program.last > program.first ? `.${scope.each}` : ''
    return key === null ? undefined : `${this.#named.table}.${key}.${program.suffix}${turn}`
  }

  #fill(target: Record<string, unknown>, programs: readonly FieldProgram[], scope: Scope): void {
    for (const program of programs) {
      this.#field = program.name
      const value = program.value(scope)
      if (value !== undefined) target[program.name] = value
    }
  }

  #unreadable({ column, value, expected, remedy }: CellFault): RowRejection {
    return {
      kind: this.#kind,
      code: 'unreadable-cell',
      detail: `column ${column} cannot be read`,
      errors: [{ pointer: `/${this.#field}`, column, value, expected, remedy }],
    }
  }
}

const broken = (remedy: string): FieldError => ({ pointer: '', value: 'the record', expected: 'a whole record', remedy })
