/** The order in which a vector's numbers are computed: columns, then aggregates, then stated fields, then what is computed from features. */
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Aggregate, Slice } from '../aggregates/aggregate.ts'
import { featuresOf } from '../language/derived.ts'
import type { AggregateDefinition, Definition } from '../language/feature.ts'
import { chosenValue, isPaned } from '../language/feature.ts'
import type { FoldedKind } from '../language/kinds.ts'
import type { Ring } from '../state/ring.ts'
import { canonical } from './canonical.ts'
import { ColumnPasses } from './column-passes.ts'
import type { Pass } from './column-passes.ts'
import { derivedSteps } from './derived-steps.ts'
import type { SlotStep } from './derived-steps.ts'
import type { PaneReads } from './pane-reads.ts'
import { WindowBounds } from './window-bounds.ts'
import { WindowReader } from './window-reader.ts'

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

/** The features a feature is directly computed from. */
const operandsOf = (definition: Definition): readonly Definition[] => {
  switch (definition.kind) {
    case 'ratio':
      return [definition.dividend, definition.divisor]
    case 'derived':
      return featuresOf(definition.node)
    case 'aggregate':
    case 'stated':
      return []
  }
}

/** Every definition that needs a slot: those of the set, in order, then operands that are not in it. */
const withOperands = (definitions: readonly Definition[]): Map<string, Definition> => {
  const slots = new Map<string, Definition>()
  const add = (definition: Definition): void => {
    const key = JSON.stringify(canonical(definition))
    if (!slots.has(key)) slots.set(key, definition)
  }
  const addOperands = (definition: Definition): void => {
    for (const operand of operandsOf(definition)) {
      addOperands(operand)
      add(operand)
    }
  }
  for (const definition of definitions) add(definition)
  for (const definition of definitions) addOperands(definition)
  return slots
}

const depth = (definition: Definition): number => {
  const operands = operandsOf(definition)
  return operands.length === 0 ? 0 : 1 + Math.max(...operands.map(depth))
}

/** Missing unless the divisor is positive. */
const ratioStep =
  (dividend: number, divisor: number, slot: number): SlotStep =>
  (slots) => {
    if (slots[divisor]! > 0) slots[slot] = slots[dividend]! / slots[divisor]!
    else slots[slot] = NaN
  }

export class VectorPlan {
  readonly #instant = new Float64Array(1)
  readonly #bounds = new WindowBounds()
  readonly #readers: readonly WindowReader[]
  readonly #passes: readonly (readonly Pass[])[]
  readonly #aggregates: AggregateStep[] = []
  readonly #paneReads: PaneReads
  readonly #stated: StatedStep[] = []
  readonly #computed: SlotStep[] = []
  readonly #slots: Float64Array

  constructor(definitions: readonly Definition[], rings: ReadonlyMap<FoldedKind, Ring>, paneReads: PaneReads) {
    const bySlot = withOperands(definitions)
    const slotOf = new Map([...bySlot.keys()].map((key, slot) => [key, slot]))
    const slotFor = (definition: Definition): number => slotOf.get(JSON.stringify(canonical(definition)))!
    const held = [...bySlot.values()].filter((definition) => definition.kind === 'aggregate').filter((one) => !isPaned(one))
    for (const { window } of held) this.#bounds.index(window)
    this.#bounds.seal()
    this.#paneReads = paneReads
    const values = Array.from(bySlot, () => 0)
    this.#compute(bySlot, slotFor, values)
    this.#slots = Float64Array.from(values)

    const readers = new Map([...rings].map(([kind, ring]) => [kind, new WindowReader(ring, this.#instant, this.#bounds)]))
    const columns = new ColumnPasses(rings)
    for (const definition of bySlot.values()) {
      const slot = slotFor(definition)
      if (definition.kind === 'stated') this.#stated.push({ field: definition.field, slot })
      if (definition.kind !== 'aggregate') continue
      if (isPaned(definition)) {
        paneReads.add(definition, slot)
        continue
      }
      const reader = readers.get(definition.on)!
      const slice = this.#slice(definition, reader, columns, slot)
      const window = this.#bounds.index(definition.window)
      reader.use(window)
      this.#aggregates.push({ reduce: definition.how.reduce, slice, reader, window })
    }
    this.#readers = [...readers.values()]
    this.#passes = [...readers.keys()].map((kind) => columns.passes.get(kind)!)
  }

  /** Steps for what is computed from features, each after what it is computed from; appends the slots they need to `values`. */
  #compute(bySlot: ReadonlyMap<string, Definition>, of: (definition: Definition) => number, values: number[]): void {
    const slots = { of, add: (value: number): number => values.push(value) - 1 }
    for (const definition of [...bySlot.values()].sort((a, b) => depth(a) - depth(b))) {
      if (definition.kind === 'ratio') this.#computed.push(ratioStep(of(definition.dividend), of(definition.divisor), of(definition)))
      if (definition.kind === 'derived') this.#computed.push(...derivedSteps(definition.node, of(definition), slots))
    }
  }

  #slice(definition: AggregateDefinition, reader: WindowReader, columns: ColumnPasses, slot: number): Slice {
    const node = chosenValue(definition)
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

  /**
   * Reads the vector off the rings and partial results as of the application's event time. Returns one float64 per feature, in vector order,
   * then what they were computed from; valid until the next call.
   */
  run(application: ApplicationEvent): Float64Array {
    const slots = this.#slots
    this.#locate(application)
    const aggregates = this.#aggregates
    for (let i = 0; i < aggregates.length; i++) {
      const { reduce, slice, reader, window } = aggregates[i]!
      slice.from = reader.from[window]!
      slice.to = reader.to[window]!
      reduce(slice)
    }
    this.#paneReads.run(this.#instant, slots)
    const stated = this.#stated
    const body = application as unknown as Readonly<Record<string, number | undefined>>
    for (let i = 0; i < stated.length; i++) {
      const value = body[stated[i]!.field]
      if (value === undefined) slots[stated[i]!.slot] = NaN
      else slots[stated[i]!.slot] = value
    }
    const computed = this.#computed
    for (let i = 0; i < computed.length; i++) computed[i]!(slots)
    return slots
  }

  #locate(application: ApplicationEvent): void {
    this.#instant[0] = application.eventTime
    this.#bounds.locate(this.#instant)
    const readers = this.#readers
    for (let r = 0; r < readers.length; r++) {
      const reader = readers[r]!
      reader.locate()
      const passes = this.#passes[r]!
      for (let p = 0; p < passes.length; p++) passes[p]!(reader.rows)
    }
  }
}
