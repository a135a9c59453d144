/**
 * The last events of an applicant as a tensor, for networks that read sequences: `length` steps of `channels`, oldest first, padded in front,
 * and a mask of the steps that hold an event. Kept incrementally in rings of fixed size; the order of arrival leaves no trace.
 */
import { endianness } from 'node:os'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { count } from '../aggregates/count.ts'
import { last } from '../aggregates/last.ts'
import { sha256 } from '../compile/canonical.ts'
import { StateMismatch } from '../compile/state-mismatch.ts'
import { DAY_MS } from '../language/calendar.ts'
import { feature } from '../language/feature.ts'
import type { AggregateDefinition, FeatureSpec } from '../language/feature.ts'
import { DefinitionError } from '../language/definition-error.ts'
import { FOLDED_KINDS, numericField } from '../language/kinds.ts'
import type { FoldedKind, NumericField } from '../language/kinds.ts'
import { lastEvents } from '../language/window.ts'
import { stateLayout } from '../state/layout.ts'
import type { StateLayout } from '../state/layout.ts'
import type { NumberArray } from '../state/number-array.ts'
import { Ring } from '../state/ring.ts'

export interface SequenceSource {
  /** Steps, 1 to 256. */
  readonly length: number
  /** Kinds of event that are steps, and the numbers each brings along: required fields alone. */
  readonly kinds: { readonly [Kind in FoldedKind]?: readonly NumericField<Kind>[] }
  /** Events of a kind that may lie after an application which comes late, and still leave its last `length` complete; 0 where absent. */
  readonly lateEvents?: number
}

export interface EventSequence {
  /** SHA-256 hex over everything that bears on the tensor. */
  readonly hash: string
  /** Steps and channels: a tensor is `shape[0] × shape[1]` numbers, step after step. */
  readonly shape: readonly [steps: number, channels: number]
  /**
   * What each channel holds: `is.<kind>` 1 at events of that kind; `daysBefore` from the event to the application; `daysSincePrevious` from the
   * step before, 0 at the first; then `<kind>.<field>` in the field's unit, 0 at events of another kind. Padding is 0 throughout.
   */
  readonly channels: readonly string[]
  readonly stateBytes: number
  emptyState(): Uint8Array
  /** Folds one event into `state` in place. Allocates nothing. */
  fold(state: Uint8Array, event: CreditEvent): void
  /**
   * Writes the events up to and with `application.eventTime` (applications: strictly before) to `out[at ..)`, and 1 or 0 a step to
   * `mask[maskAt ..)`. Events of one time stand in the order of `FOLDED_KINDS`, those of one kind in the order of their content.
   */
  tensor(state: Uint8Array, application: ApplicationEvent, out: Float32Array, at: number, mask: Float32Array, maskAt: number): void
}

/** One kind's events. */
interface Track {
  readonly kind: FoldedKind
  readonly ring: Ring
  /** Channel of the kind's flag, and of its first field. */
  readonly flag: number
  readonly firstField: number
  readonly columns: readonly NumberArray[]
  /** Events not placed yet. */
  left: number
}

const [DAYS_BEFORE, DAYS_SINCE_PREVIOUS] = ['daysBefore', 'daysSincePrevious']

/** Definitions that make the state hold the fields; what they would compute is of no interest. */
const holders = (kind: FoldedKind, fields: readonly string[]): readonly AggregateDefinition[] => {
  const facts = { on: kind, by: 'applicant', window: lastEvents(1) } as const
  if (fields.length === 0) return [feature({ ...facts, how: count() })]
  const optional = fields.find((field) => numericField(kind, field)?.optional)
  if (optional !== undefined)
    throw new DefinitionError(`${kind}.${optional}`, 'is optional', 'use required fields: a step has no place for a missing number')
  return fields.map((field) => feature({ ...facts, field, how: last() } as FeatureSpec<FoldedKind>))
}

const layoutOf = ({ length, kinds, lateEvents = 0 }: SequenceSource): StateLayout => {
  if (endianness() !== 'LE') throw new Error('sequence state is little-endian and read in place; this machine is big-endian: use another')
  if (!Number.isInteger(length) || length < 1 || length > 256) throw new RangeError(`a sequence has 1 to 256 steps, got ${length}`)
  const taken = FOLDED_KINDS.filter((kind) => kinds[kind] !== undefined)
  if (taken.length === 0) throw new RangeError('a sequence needs at least one kind of event; give kinds')
  const definitions = taken.flatMap((kind) => holders(kind, kinds[kind] ?? []))
  return stateLayout(definitions, Object.fromEntries(taken.map((kind) => [kind, length + lateEvents])), 0)
}

const channelsOf = (kinds: SequenceSource['kinds'], taken: readonly FoldedKind[]): readonly string[] => [
  ...taken.map((kind) => `is.${kind}`),
  DAYS_BEFORE,
  DAYS_SINCE_PREVIOUS,
  ...taken.flatMap((kind) => (kinds[kind] ?? []).map((field) => `${kind}.${field}`)),
]

/** Past events of the ring: those up to t, applications strictly before. */
const pastOf = ({ kind, ring }: Track, t: number): number => {
  let past = ring.held
  while (past > 0 && (kind === 'application' ? ring.times[past - 1]! >= t : ring.times[past - 1]! > t)) past--
  return past
}

/** The track of the newest event not placed yet, or none: among equal times the last kind. */
const newestOf = (tracks: readonly Track[]): Track | undefined => {
  let best: Track | undefined
  for (const track of tracks)
    if (track.left > 0 && (best === undefined || track.ring.times[track.left - 1]! >= best.ring.times[best.left - 1]!)) best = track
  return best
}

export const eventSequence = (source: SequenceSource): EventSequence => {
  const { length, kinds, lateEvents = 0 } = source
  const layout = layoutOf(source)
  const taken = layout.sections.map(({ kind }) => kind)
  const channels = channelsOf(kinds, taken)
  const width = channels.length
  const buffer = new ArrayBuffer(layout.bytes)
  const working = new Uint8Array(buffer)
  const header = new Uint32Array(buffer, 0, 2)
  const tracks = layout.sections.map((section, flag): Track => {
    const [ring, fields]: [Ring, readonly string[]] = [new Ring(section, buffer), kinds[section.kind] ?? []]
    const firstField = channels.indexOf(`${section.kind}.${fields[0]}`)
    return { kind: section.kind, ring, flag, firstField, columns: fields.map((field) => ring.stored(field)), left: 0 }
  })
  const rings = new Map<string, Ring>(tracks.map(({ kind, ring }) => [kind, ring]))
  const [before, since] = [channels.indexOf(DAYS_BEFORE), channels.indexOf(DAYS_SINCE_PREVIOUS)]

  const load = (state: Uint8Array): void => {
    if (state.length !== layout.bytes) throw new StateMismatch(`${state.length} bytes`, `${layout.bytes}`)
    working.set(state)
    if (header[0] !== layout.tag) throw new StateMismatch(`layout tag ${header[0]}`, `${layout.tag}`)
  }

  return {
    hash: sha256(['event-sequence', 1, length, lateEvents, channels, layout.tag]),
    shape: [length, width],
    channels,
    stateBytes: layout.bytes,
    emptyState() {
      const state = new Uint8Array(layout.bytes)
      new DataView(state.buffer).setUint32(0, layout.tag, true)
      return state
    },
    fold(state, event) {
      const ring = rings.get(event.kind)
      if (ring === undefined) return
      load(state)
      ring.insert(event)
      state.set(working)
    },
    tensor(state, { eventTime: t }, out, at, mask, maskAt) {
      if (at < 0 || at + length * width > out.length || maskAt < 0 || maskAt + length > mask.length)
        throw new RangeError(`a tensor of ${length} × ${width} and its mask do not fit at ${at} and ${maskAt}; give longer arrays`)
      load(state)
      out.fill(0, at, at + length * width)
      mask.fill(0, maskAt, maskAt + length)
      for (const track of tracks) track.left = pastOf(track, t)
      let later = t as number
      for (let step = length - 1; step >= 0; step--) {
        const track = newestOf(tracks)
        if (track === undefined) return
        const event = --track.left
        const time = track.ring.times[event]!
        const row = at + step * width
        mask[maskAt + step] = 1
        out[row + track.flag] = 1
        out[row + before] = (t - time) / DAY_MS
        // The step after this one learns how long ago its predecessor was.
        if (step < length - 1) out[row + width + since] = (later - time) / DAY_MS
        later = time
        for (let f = 0; f < track.columns.length; f++) out[row + track.firstField + f] = track.columns[f]![event]!
      }
    },
  }
}
