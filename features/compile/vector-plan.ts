/** The order in which a vector's numbers are computed: columns, then aggregates, then stated fields, then ratios. */
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Aggregate, Slice } from '../aggregates/aggregate.ts'
import { writeMonthStarts } from '../language/calendar.ts'
import type { ExpressionNode } from '../language/expression.ts'
import type { AggregateDefinition, Definition } from '../language/feature.ts'
import type { FoldedKind } from '../language/kinds.ts'
import type { Ring } from '../state/ring.ts'
import { canonical } from './canonical.ts'
import { ColumnPasses } from './column-passes.ts'
import type { Pass } from './column-passes.ts'
import { WindowReader, WindowTable } from './window-reader.ts'

interface AggregateStep {
  readonly reduce: Aggregate['reduce']
  readonly slice: Slice
  readonly reader: WindowReader
  readonly window: number
}
interface StatedStep {
  readonly field: string
  readonly slot: number
}
interface RatioStep {
  readonly dividend: number
  readonly divisor: number
  readonly slot: number
}

/** Every definition that needs a slot: those of the set, in order, then operands of ratios that are not in it. */
const withOperands = (definitions: readonly Definition[]): Map<string, Definition> => {
  const slots = new Map<string, Definition>()
  const add = (definition: Definition): void => {
    const key = JSON.stringify(canonical(definition))
    if (!slots.has(key)) slots.set(key, definition)
  }
  const addOperands = (definition: Definition): void => {
    if (definition.kind !== 'ratio') return
    for (const operand of [definition.dividend, definition.divisor]) {
      addOperands(operand)
      add(operand)
    }
  }
  for (const definition of definitions) add(definition)
  for (const definition of definitions) addOperands(definition)
  return slots
}

export class VectorPlan {
  readonly #instant = new Float64Array(1)
  readonly #starts: Float64Array
  readonly #monthCounts: Int32Array
  readonly #readers: readonly WindowReader[]
  readonly #passes: readonly (readonly Pass[])[]
  readonly #aggregates: AggregateStep[] = []
  readonly #stated: StatedStep[] = []
  readonly #ratios: RatioStep[] = []
  readonly #slots: Float64Array
  readonly #size: number

  constructor(definitions: readonly Definition[], rings: ReadonlyMap<FoldedKind, Ring>) {
    const bySlot = withOperands(definitions)
    const slotOf = new Map([...bySlot.keys()].map((key, slot) => [key, slot]))
    const slotFor = (definition: Definition): number => slotOf.get(JSON.stringify(canonical(definition)))!
    const windows = new WindowTable()
    for (const definition of bySlot.values()) if (definition.kind === 'aggregate') windows.index(definition.window)

    this.#size = definitions.length
    this.#slots = new Float64Array(bySlot.size)
    this.#starts = new Float64Array(windows.windows.length)
    this.#monthCounts = Int32Array.from(windows.windows, (window) => (window.kind === 'months' ? window.months : 0))
    const readers = new Map([...rings].map(([kind, ring]) => [kind, new WindowReader(ring, this.#instant, this.#starts)]))
    const columns = new ColumnPasses(rings)

    for (const definition of bySlot.values()) {
      const slot = slotFor(definition)
      if (definition.kind === 'aggregate') {
        const reader = readers.get(definition.on)!
        const slice = this.#slice(definition, reader, columns, slot)
        this.#aggregates.push({ reduce: definition.how.reduce, slice, reader, window: windows.index(definition.window) })
      } else if (definition.kind === 'stated') this.#stated.push({ field: definition.field, slot })
    }
    for (const step of ratiosInOrder(bySlot.values()))
      this.#ratios.push({ dividend: slotFor(step.dividend), divisor: slotFor(step.divisor), slot: slotFor(step) })
    this.#readers = [...readers.values()]
    this.#passes = [...readers.keys()].map((kind) => columns.passes.get(kind)!)
  }

  #slice(definition: AggregateDefinition, reader: WindowReader, columns: ColumnPasses, slot: number): Slice {
    const node = chosen(definition)
    return {
      // An event's time is never missing: it stands for the event where no value is asked for.
      values: node === null ? reader.ring.times : columns.column(definition.on, node),
      times: reader.ring.times,
      from: 0,
      to: 0,
      instant: this.#instant,
      first: reader.first,
      out: this.#slots,
      slot,
    }
  }

  /** Reads the vector off the rings as of the application's event time. */
  run(application: ApplicationEvent, out: Float32Array, at: number): void {
    const slots = this.#slots
    this.#locate(application)
    const aggregates = this.#aggregates
    for (let i = 0; i < aggregates.length; i++) {
      const { reduce, slice, reader, window } = aggregates[i]!
      slice.from = reader.from[window]!
      slice.to = reader.rows
      reduce(slice)
    }
    const stated = this.#stated
    const body = application as unknown as Readonly<Record<string, number | undefined>>
    for (let i = 0; i < stated.length; i++) {
      const value = body[stated[i]!.field]
      if (value === undefined) slots[stated[i]!.slot] = NaN
      else slots[stated[i]!.slot] = value
    }
    const ratios = this.#ratios
    for (let i = 0; i < ratios.length; i++) {
      const { dividend, divisor, slot } = ratios[i]!
      if (slots[divisor]! > 0) slots[slot] = slots[dividend]! / slots[divisor]!
      else slots[slot] = NaN
    }
    // Adding 0 turns −0 into 0: equal numbers must be equal bytes.
    for (let i = 0; i < this.#size; i++) out[at + i] = slots[i]! + 0
  }

  #locate(application: ApplicationEvent): void {
    const instant = this.#instant
    instant[0] = application.eventTime
    writeMonthStarts(instant, this.#monthCounts, this.#starts)
    const readers = this.#readers
    for (let r = 0; r < readers.length; r++) {
      const reader = readers[r]!
      reader.locate()
      const passes = this.#passes[r]!
      for (let p = 0; p < passes.length; p++) passes[p]!(reader.rows)
    }
  }
}

/** The value of the events that `where` keeps; `null` where events are looked at unconditionally. */
const chosen = ({ value, where }: AggregateDefinition): ExpressionNode | null =>
  where === null ? value : { op: 'when', flag: where, value: value ?? { op: 'constant', value: 1 } }

/** Ratios of ratios after the ratios they use. */
const ratiosInOrder = (definitions: Iterable<Definition>) => {
  const depth = (definition: Definition): number =>
    definition.kind === 'ratio' ? 1 + Math.max(depth(definition.dividend), depth(definition.divisor)) : 0
  return [...definitions].filter((definition) => definition.kind === 'ratio').sort((a, b) => depth(a) - depth(b))
}
