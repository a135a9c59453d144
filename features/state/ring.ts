/**
 * The newest `capacity` events of one kind, ascending by event time, in a section of the working state. Equal times are ordered by
 * content, so that the bytes depend on *which* events arrived, never on the order of their arrival. What does not fit is the oldest: it
 * is dropped and counted.
 */
import type { Section } from './layout.ts'
import type { NumberArray } from './number-array.ts'
import { MISSING_NUMBER, NUMBER_ARRAYS } from './number-array.ts'
import { textCode } from './text-code.ts'
import type { TextCode } from './text-code.ts'

const COUNT_MAX = 0xffff_ffff

export class Ring {
  readonly section: Section
  readonly times: Float64Array
  readonly columns: readonly NumberArray[]
  readonly #fields: readonly string[]
  /** Per column: how its texts become numbers; `null` where it holds numbers. */
  readonly #codes: readonly (TextCode | null)[]
  /** held, dropped */
  readonly #counters: Uint32Array
  /** newest dropped time, first time */
  readonly #registers: Float64Array
  /** The event being inserted: its time, then its fields in column order. Kept in an array so that no number is boxed. */
  readonly #incoming: Float64Array

  constructor(section: Section, buffer: ArrayBuffer) {
    this.section = section
    this.#counters = new Uint32Array(buffer, section.offset, 2)
    this.#registers = new Float64Array(buffer, section.offset + 8, 2)
    this.times = new Float64Array(buffer, section.timesOffset, section.capacity)
    this.columns = section.columns.map(({ encoding, offset }) => new NUMBER_ARRAYS[encoding](buffer, offset, section.capacity))
    this.#fields = section.columns.map((column) => column.field)
    this.#codes = section.columns.map(({ field, encoding }) =>
      encoding === 'choice' || encoding === 'hash' ? textCode(section.kind, field) : null,
    )
    this.#incoming = new Float64Array(1 + this.columns.length)
  }

  get capacity(): number {
    return this.section.capacity
  }

  stored(field: string): NumberArray {
    return this.columns[this.#fields.indexOf(field)]!
  }

  get held(): number {
    return this.#counters[0]!
  }

  /** Events dropped for want of room, saturating at 2^32 − 1. */
  get dropped(): number {
    return this.#counters[1]!
  }

  /** Event time of the newest dropped event; meaningful where `dropped > 0`. Windows that reach back to it are incomplete. */
  get droppedThrough(): number {
    return this.#registers[0]!
  }

  /** Event time of the first event ever; meaningful where `held > 0`. */
  get firstTime(): number {
    return this.#registers[1]!
  }

  /** Takes in an event of the section's kind. */
  insert(event: { readonly eventTime: number }): void {
    const incoming = this.#incoming
    const fields = this.#fields
    const values = event as unknown as Readonly<Record<string, number>>
    incoming[0] = event.eventTime
    // Adding 0 turns −0 into 0: equal numbers must be equal bytes.
    const codes = this.#codes
    for (let c = 0; c < fields.length; c++) {
      const code = codes[c]!
      if (code !== null) code(values[fields[c]!] as unknown as string | undefined, incoming, c + 1)
      else if (values[fields[c]!] === undefined) incoming[c + 1] = MISSING_NUMBER
      else incoming[c + 1] = values[fields[c]!]! + 0
    }

    const held = this.#counters[0]!
    const registers = this.#registers
    if (held === 0 || incoming[0] < registers[1]!) registers[1] = incoming[0]
    let position = held
    while (position > 0 && this.#precedes(position - 1)) position--
    if (held < this.section.capacity) {
      if (position < held) this.#move(position, held, position + 1)
      this.#counters[0] = held + 1
      this.#write(position)
      return
    }
    this.#countDrop(position === 0 ? incoming : this.times)
    if (position === 0) return
    if (position > 1) this.#move(1, position, 0)
    this.#write(position - 1)
  }

  /** Whether the incoming event comes before entry `i`. */
  #precedes(i: number): boolean {
    const incoming = this.#incoming
    const time = this.times[i]!
    if (incoming[0]! !== time) return incoming[0]! < time
    const columns = this.columns
    for (let c = 0; c < columns.length; c++) {
      const value = columns[c]![i]!
      if (incoming[c + 1]! !== value) return incoming[c + 1]! < value
    }
    return false
  }

  #write(i: number): void {
    const incoming = this.#incoming
    const columns = this.columns
    this.times[i] = incoming[0]!
    for (let c = 0; c < columns.length; c++) columns[c]![i] = incoming[c + 1]!
  }

  #move(from: number, to: number, target: number): void {
    const columns = this.columns
    this.times.copyWithin(target, from, to)
    for (let c = 0; c < columns.length; c++) columns[c]!.copyWithin(target, from, to)
  }

  /** Counts the dropped event, whose time is `times[0]`. */
  #countDrop(times: Float64Array): void {
    const counters = this.#counters
    const registers = this.#registers
    const time = times[0]!
    if (counters[1] === 0 || time > registers[0]!) registers[0] = time
    if (counters[1]! < COUNT_MAX) counters[1] = counters[1]! + 1
  }
}
