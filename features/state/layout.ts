/**
 * Where everything lies in one entity's state: a header, then one section per event kind, then the partial results (`pane-layout.ts`). The
 * layout follows from the definitions (which fields of which kinds they read), the declared capacities and the ranges in the schemas.
 *
 * Section, all little-endian, starting on a multiple of 8 bytes:
 * `held u32 · dropped u32 · newest dropped time f64 · first time f64 · times f64[capacity] · one array per field`,
 * fields by falling width, padded to 8 bytes. Unused entries are zero.
 */
import { sha256 } from '../compile/canonical.ts'
import type { AggregateDefinition, Definition } from '../language/feature.ts'
import { isPaned } from '../language/feature.ts'
import { featuresOf } from '../language/derived.ts'
import { fieldsOf } from '../language/expression.ts'
import { FOLDED_KINDS, numericField, textField } from '../language/kinds.ts'
import type { FoldedKind } from '../language/kinds.ts'
import type { Encoding } from './number-array.ts'
import { ENCODING_BYTES } from './number-array.ts'
import type { PaneSection } from './pane-layout.ts'
import { describePanes, paneSections } from './pane-layout.ts'

/** Raised when the meaning of the bytes changes though their description does not. */
export const LAYOUT_VERSION = 1
/** `layout tag u32 · zero u32`: the tag tells states of another layout apart. */
export const HEADER_BYTES = 8
/** Counters, newest dropped time and first time of a section. */
const SECTION_HEAD_BYTES = 24

export interface Column {
  readonly field: string
  readonly encoding: Encoding
  /** Bytes from the start of the state. */
  readonly offset: number
}

export interface Section {
  readonly kind: FoldedKind
  /** Most events of this kind held. */
  readonly capacity: number
  readonly offset: number
  readonly bytes: number
  readonly timesOffset: number
  readonly columns: readonly Column[]
}

export interface StateLayout {
  readonly bytes: number
  readonly sections: readonly Section[]
  readonly panes: readonly PaneSection[]
  /** First four bytes of the layout's SHA-256; written into every state. */
  readonly tag: number
}

export type Capacities = Readonly<Partial<Record<FoldedKind, number>>>

/** Smallest encoding that holds every value the schema admits, and the want of one. */
const encodingOf = (kind: FoldedKind, field: string): Encoding => {
  const facts = numericField(kind, field)
  if (facts === undefined) return textField(kind, field)!.choices === null ? 'hash' : 'choice'
  const { minimum, maximum, optional } = facts
  if (optional) return 'optional'
  const fits = (bits: number): boolean => minimum >= -(2 ** (bits - 1)) && maximum < 2 ** (bits - 1)
  return fits(8) ? 'i8' : fits(16) ? 'i16' : fits(32) ? 'i32' : 'f64'
}

export interface Read {
  readonly kind: FoldedKind
  /** `null` is the event's time alone. */
  readonly field: string | null
}

/** Every aggregate behind a definition. */
export const aggregatesOf = (definition: Definition): readonly AggregateDefinition[] => {
  switch (definition.kind) {
    case 'stated':
      return []
    case 'aggregate':
      return [definition]
    case 'ratio':
      return [...aggregatesOf(definition.dividend), ...aggregatesOf(definition.divisor)]
    case 'derived':
      return featuresOf(definition.node).flatMap(aggregatesOf)
  }
}

/** The (kind, field) pairs of past events that an aggregate looks at. */
export const readsOf = ({ on, value, where }: AggregateDefinition): readonly Read[] => {
  const nodes = [value, where].filter((node) => node !== null)
  const fields = nodes
    .flatMap((node) => fieldsOf(on, node))
    .flatMap(({ kind, field }) => [
      { kind, field: null },
      { kind, field },
    ])
  return [{ kind: on, field: null }, ...fields]
}

/** The (kind, field) pairs that rings must hold for a definition. */
export const heldFor = (definition: Definition): readonly Read[] =>
  aggregatesOf(definition)
    .filter((aggregate) => !isPaned(aggregate))
    .flatMap(readsOf)

/** Offset of the next multiple of 8. */
const aligned = (offset: number): number => Math.ceil(offset / 8) * 8

const layOut = (kind: FoldedKind, capacity: number, fields: readonly string[], offset: number): Section => {
  const columns: Column[] = []
  const timesOffset = offset + SECTION_HEAD_BYTES
  let at = timesOffset + capacity * 8
  const byWidth = fields
    .map((field) => ({ field, encoding: encodingOf(kind, field) }))
    .sort((a, b) => ENCODING_BYTES[b.encoding] - ENCODING_BYTES[a.encoding] || (a.field < b.field ? -1 : 1))
  for (const { field, encoding } of byWidth) {
    columns.push({ field, encoding, offset: at })
    at += capacity * ENCODING_BYTES[encoding]
  }
  return { kind, capacity, offset, bytes: aligned(at) - offset, timesOffset, columns }
}

/** Largest capacity of a ring: an insertion moves at most this many entries. */
const CAPACITY_MAX = 256

/** @param latenessMs How late an event may come and still be in every window over hops that looks at its time. */
export const stateLayout = (definitions: readonly Definition[], capacities: Capacities, latenessMs: number): StateLayout => {
  const reads = definitions.flatMap(heldFor)
  const sections: Section[] = []
  let offset = HEADER_BYTES
  for (const kind of FOLDED_KINDS) {
    const ofKind = reads.filter((read) => read.kind === kind)
    if (ofKind.length === 0) continue
    const capacity = capacities[kind]
    if (capacity === undefined || !Number.isInteger(capacity) || capacity < 1 || capacity > CAPACITY_MAX)
      throw new RangeError(`the capacity for ${kind} events must be an integer from 1 to ${CAPACITY_MAX}, got ${capacity}; declare it`)
    const fields = [...new Set(ofKind.map((read) => read.field).filter((field) => field !== null))]
    const section = layOut(kind, capacity, fields, offset)
    sections.push(section)
    offset += section.bytes
  }
  const panes = paneSections(definitions.flatMap(aggregatesOf).filter(isPaned), latenessMs, offset)
  const bytes = panes.reduce((end, section) => end + section.bytes, offset)
  const described = [LAYOUT_VERSION, sections.map(describeSection), ...(panes.length === 0 ? [] : [panes.map(describePanes)])]
  const tag = Number.parseInt(sha256(described).slice(0, 8), 16)
  return { bytes, sections, panes, tag }
}

const describeSection = (section: Section): readonly unknown[] => [
  section.kind,
  section.capacity,
  section.offset,
  section.columns.map(({ field, encoding, offset }) => {
    const described = [field, encoding, offset]
    return encoding === 'choice' ? [...described, textField(section.kind, field)!.choices] : described
  }),
]
