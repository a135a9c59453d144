/** The partial results of one event kind and hop, in a section of the working state. */
import { TIME, VALUE } from '../accumulators/accumulator.ts'
import type { Accumulator, Memory } from '../accumulators/accumulator.ts'
import type { Pass } from '../compile/column-passes.ts'
import { ColumnPasses } from '../compile/column-passes.ts'
import type { EventRow } from './event-row.ts'
import type { PaneSection } from './pane-layout.ts'
import { PANE_HEAD_WORDS } from './pane-layout.ts'

interface Intake {
  readonly accumulator: Accumulator
  readonly word: number
  /** One value: the event's; `null` where every event counts as 1. */
  readonly value: Float64Array | null
}

export class Panes {
  readonly section: PaneSection
  readonly #memory: Memory
  readonly #row: EventRow
  readonly #passes: readonly Pass[]
  readonly #intakes: readonly Intake[]
  /** Word of the section's head. */
  readonly #head: number
  /** The event as accumulators take it: value and time. */
  readonly #event = new Float64Array(2)

  constructor(section: PaneSection, memory: Memory, row: EventRow) {
    this.section = section
    this.#memory = memory
    this.#row = row
    this.#head = section.offset / 8
    const columns = new ColumnPasses(new Map([[section.kind, row]]))
    this.#intakes = section.measures.map(({ value, accumulator, word }) => ({
      accumulator,
      word,
      value: value === null ? null : columns.column(section.kind, value),
    }))
    this.#passes = columns.passes.get(section.kind)!
  }

  /** Takes in the event in the row. One older than every pane is in no window any more and leaves the panes alone. */
  insert(): void {
    const { f64 } = this.#memory
    const head = this.#head
    const hop = this.#hopOf(this.#row.times)
    const seen = f64[head + 1]!
    if (seen === 0) f64[head] = hop
    else if (hop > f64[head]!) this.#advance(hop)
    f64[head + 1] = seen + 1
    if (hop <= f64[head]! - this.section.panes) return
    const passes = this.#passes
    for (let p = 0; p < passes.length; p++) passes[p]!(1)
    const pane = this.#paneOf(hop)
    const event = this.#event
    event[TIME] = this.#row.times[0]!
    const intakes = this.#intakes
    for (let i = 0; i < intakes.length; i++) {
      const { accumulator, word, value } = intakes[i]!
      if (value === null) event[VALUE] = 1
      else event[VALUE] = value[0]!
      if (!Number.isNaN(event[VALUE])) accumulator.update(this.#memory, pane + word, event)
    }
  }

  /**
   * Merges one measure of the hops `back from … to` before the hop of `instant[0]`, both included, 0 being that hop itself, into the partial
   * result at word `into`.
   */
  merge(accumulator: Accumulator, word: number, instant: Float64Array, from: number, to: number, into: number): void {
    const { f64 } = this.#memory
    const newest = f64[this.#head]!
    if (f64[this.#head + 1] === 0) return
    const now = this.#hopOf(instant)
    for (let back = from; back <= to; back++) {
      const hop = now - back
      if (hop <= newest && hop > newest - this.section.panes) accumulator.merge(this.#memory, into, this.#paneOf(hop) + word)
    }
  }

  #hopOf(instant: Float64Array): number {
    const { hopMs } = this.section
    return hopMs === 0 ? 0 : Math.floor(instant[0]! / hopMs)
  }

  /** Word at which a hop's pane begins. */
  #paneOf(hop: number): number {
    const { panes, paneWords } = this.section
    // Hops before 1970 are negative, and looking back from early 1970 reaches them.
    return this.#head + PANE_HEAD_WORDS + (((hop % panes) + panes) % panes) * paneWords
  }

  /** Makes `hop` the newest and empties the panes that hops in between take over. */
  #advance(hop: number): void {
    const { f64 } = this.#memory
    const { panes, paneWords } = this.section
    const newest = f64[this.#head]!
    const emptied = Math.min(hop - newest, panes)
    for (let i = 0; i < emptied; i++) {
      const pane = this.#paneOf(hop - i)
      f64.fill(0, pane, pane + paneWords)
    }
    f64[this.#head] = hop
  }
}
