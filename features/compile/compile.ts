/** Definitions become a {@link FeatureSet}. */
import { endianness } from 'node:os'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { FeatureFacts, FeatureSet } from '../feature-set.ts'
import type { Definition } from '../language/feature.ts'
import { FOLDED_KINDS } from '../language/kinds.ts'
import type { FoldedKind } from '../language/kinds.ts'
import { windowLabel } from '../language/window.ts'
import { LAYOUT_VERSION, stateLayout } from '../state/layout.ts'
import type { Capacities, StateLayout } from '../state/layout.ts'
import { memoryOf } from '../accumulators/accumulator.ts'
import { EventRow } from '../state/event-row.ts'
import { Panes } from '../state/panes.ts'
import { Ring } from '../state/ring.ts'
import { bytesCharged } from '../state/bytes-charged.ts'
import { canonical, EVALUATION_VERSION, sha256 } from './canonical.ts'
import { PaneReads, scratchWords } from './pane-reads.ts'
import { StateMismatch } from './state-mismatch.ts'
import { VectorPlan } from './vector-plan.ts'

/** How full one kind's ring is. */
export interface Occupancy {
  readonly kind: FoldedKind
  readonly held: number
  readonly capacity: number
  /** Events dropped for want of room. */
  readonly dropped: number
  /** Event time (epoch ms) of the newest dropped event; `null` where none was. A window that begins before it is incomplete. */
  readonly droppedThrough: number | null
}

export interface CompiledFeatureSet extends FeatureSet {
  readonly definitions: readonly Definition[]
  readonly layout: StateLayout
  /** The vector as of `application.eventTime` in float64, before it is rounded: for comparisons, not for scoring. */
  values(state: Uint8Array, application: ApplicationEvent): Float64Array
  occupancy(state: Uint8Array): readonly Occupancy[]
}

/** What changes the vectors' meaning changes this: names, order, definitions, aggregates' versions, evaluation, layout. */
const setHash = (definitions: readonly Definition[], layout: StateLayout): string =>
  sha256(['feature-set', EVALUATION_VERSION, LAYOUT_VERSION, layout.tag, definitions.map(canonical)])

const factsOf = (definition: Definition, stateBytes: number): FeatureFacts => {
  const { name, description, unit, on: kind } = definition
  const aggregate = definition.kind === 'aggregate' ? definition.how.name : definition.kind
  const window = definition.kind === 'aggregate' ? windowLabel(definition.window) : name.slice(name.lastIndexOf('.') + 1)
  return { name, description, unit, stateBytes, kind, aggregate, window }
}

const requireUniqueNames = (definitions: readonly Definition[]): void => {
  const seen = new Set<string>()
  for (const { name } of definitions) {
    if (seen.has(name)) throw new TypeError(`feature "${name}" is defined twice; drop one, or name its expression differently`)
    seen.add(name)
  }
}

/** Kinds that no feature looks at have none. */
const intakesOf = (
  rings: ReadonlyMap<FoldedKind, Ring>,
  rows: ReadonlyMap<FoldedKind, EventRow>,
  panes: readonly Panes[],
): (readonly [FoldedKind, Intake])[] =>
  [...rows].flatMap(([kind, row]) => {
    const ring = rings.get(kind) ?? null
    const own = panes.filter(({ section }) => section.kind === kind)
    return ring === null && own.length === 0 ? [] : [[kind, { ring, row, panes: own }] as const]
  })

/** State is one entity's: a set over several is composed of one a kind of entity (`linked/linked-feature-set.ts`). */
const requireOneEntity = (definitions: readonly Definition[]): void => {
  const [first] = definitions
  const stranger = definitions.find(({ by }) => by !== first?.by)
  if (stranger !== undefined)
    throw new TypeError(`feature "${stranger.name}" is not of the ${first!.by}, as "${first!.name}" is; use linkedFeatureSet for both`)
}

export interface FeatureSource {
  /** In vector order. */
  readonly definitions: readonly Definition[]
  /** The most events held per kind that the definitions look at. */
  readonly capacities: Capacities
  /** How late an event or application may come and still find its windows over hops complete; 0 where absent. */
  readonly latenessMs?: number
}

/** What takes in the events of one kind. */
interface Intake {
  readonly ring: Ring | null
  readonly row: EventRow
  readonly panes: readonly Panes[]
}

/**
 * All states are worked on in one buffer of the set's own: a call copies the state in, and `fold` copies it back. Behind the state the
 * buffer has room to merge partial results.
 */
export const compile = (source: FeatureSource): CompiledFeatureSet => {
  if (endianness() !== 'LE') throw new Error('feature state is little-endian and read in place; this machine is big-endian: use another')
  const definitions = [...source.definitions]
  requireUniqueNames(definitions)
  requireOneEntity(definitions)
  const layout = stateLayout(definitions, source.capacities, source.latenessMs ?? 0)
  const buffer = new ArrayBuffer(layout.bytes + 8 * scratchWords(layout.panes))
  const memory = memoryOf(buffer)
  const working = new Uint8Array(buffer, 0, layout.bytes)
  const header = new Uint32Array(buffer, 0, 2)
  const rings = new Map(layout.sections.map((section) => [section.kind, new Ring(section, buffer)]))
  const rows = new Map(FOLDED_KINDS.map((kind) => [kind, new EventRow(kind)]))
  const panes = layout.panes.map((section) => new Panes(section, memory, rows.get(section.kind)!))
  const intakes: Readonly<Record<string, Intake | undefined>> = Object.assign(
    Object.create(null),
    Object.fromEntries(intakesOf(rings, rows, panes)),
  )
  const plan = new VectorPlan(definitions, rings, new PaneReads(panes, memory, layout.bytes / 8))
  const charged = bytesCharged(definitions, layout)

  const load = (state: Uint8Array): void => {
    if (state.length !== layout.bytes) throw new StateMismatch(`${state.length} bytes`, `${layout.bytes}`)
    working.set(state)
    if (header[0] !== layout.tag) throw new StateMismatch(`layout tag ${header[0]}`, `${layout.tag}`)
  }

  return {
    hash: setHash(definitions, layout),
    features: definitions.map((definition, i) => factsOf(definition, charged[i]!)),
    size: definitions.length,
    stateBytes: layout.bytes,
    definitions,
    layout,
    emptyState() {
      const state = new Uint8Array(layout.bytes)
      new DataView(state.buffer).setUint32(0, layout.tag, true)
      return state
    },
    fold(state: Uint8Array, event: CreditEvent) {
      const intake = intakes[event.kind]
      if (intake === undefined) return
      load(state)
      intake.ring?.insert(event)
      if (intake.panes.length > 0) {
        intake.row.load(event)
        for (let i = 0; i < intake.panes.length; i++) intake.panes[i]!.insert()
      }
      state.set(working)
    },
    vector(state: Uint8Array, application: ApplicationEvent, out: Float32Array, at: number) {
      if (at < 0 || at + definitions.length > out.length)
        throw new RangeError(`a vector of ${definitions.length} does not fit at ${at} of ${out.length}; give a longer array`)
      load(state)
      const values = plan.run(application)
      // Adding 0 turns −0 into 0: equal numbers must be equal bytes.
      for (let i = 0; i < definitions.length; i++) out[at + i] = values[i]! + 0
    },
    values(state: Uint8Array, application: ApplicationEvent) {
      load(state)
      return plan.run(application).slice(0, definitions.length)
    },
    occupancy(state: Uint8Array) {
      load(state)
      return [...rings.values()].map(({ section: { kind, capacity }, held, dropped, droppedThrough }) => ({
        kind,
        held,
        capacity,
        dropped,
        droppedThrough: dropped === 0 ? null : droppedThrough,
      }))
    },
  }
}
