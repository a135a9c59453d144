/** Definitions become a {@link FeatureSet}. */
import { endianness } from 'node:os'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import type { FeatureFacts, FeatureSet } from '../feature-set.ts'
import type { Definition } from '../language/feature.ts'
import type { FoldedKind } from '../language/kinds.ts'
import { windowLabel } from '../language/window.ts'
import { LAYOUT_VERSION, stateLayout } from '../state/layout.ts'
import type { Capacities, StateLayout } from '../state/layout.ts'
import { Ring } from '../state/ring.ts'
import { bytesCharged } from '../state/bytes-charged.ts'
import { canonical, EVALUATION_VERSION, sha256 } from './canonical.ts'
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

/**
 * Compiles definitions, in vector order. `capacities` declares the most events held per kind that the definitions read.
 * All states are worked on in one buffer of the set's own: a call copies the state in, and `fold` copies it back.
 */
export const compile = (source: { readonly definitions: readonly Definition[]; readonly capacities: Capacities }): CompiledFeatureSet => {
  if (endianness() !== 'LE') throw new Error('feature state is little-endian and read in place; this machine is big-endian: use another')
  const definitions = [...source.definitions]
  requireUniqueNames(definitions)
  const layout = stateLayout(definitions, source.capacities)
  const buffer = new ArrayBuffer(layout.bytes)
  const working = new Uint8Array(buffer)
  const header = new Uint32Array(buffer, 0, 2)
  const rings = new Map(layout.sections.map((section) => [section.kind, new Ring(section, buffer)]))
  const ringOf: Readonly<Record<string, Ring | undefined>> = Object.assign(Object.create(null), Object.fromEntries(rings))
  const plan = new VectorPlan(definitions, rings)
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
      const ring = ringOf[event.kind]
      if (ring === undefined) return
      load(state)
      ring.insert(event)
      state.set(working)
    },
    vector(state: Uint8Array, application: ApplicationEvent, out: Float32Array, at: number) {
      if (at < 0 || at + definitions.length > out.length)
        throw new RangeError(`a vector of ${definitions.length} does not fit at ${at} of ${out.length}; give a longer array`)
      load(state)
      plan.run(application, out, at)
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
