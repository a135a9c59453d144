/**
 * Data quality of each producer's events of a kind, over tumbling windows of a fixed number of events, against the producer's own past: missing
 * fields, changed units, values out of range, stale events. A fold over events in log order; state is plain data, changed in place.
 */
import type { CreditEvent } from '#schemas/events.ts'
import type { AlertCause } from '#schemas/monitoring-events.ts'
import type { QualityRow } from '../rows.ts'
import type { MonitoringSettings } from '../settings.ts'
import { absorb, beginAnew, countValue, discard, type FieldWindow, fieldWindow, isGathering } from './field-window.ts'
import { type FieldFault, judgeField } from './judge-field.ts'
import { medianShift } from './unit-change.ts'
import { WATCHED_FIELDS } from './watched-fields.ts'

type Settings = MonitoringSettings['quality']

/** Producers watched one by one; those that come later are counted as unwatched. */
const PRODUCERS_MAX = 32
export interface SourceWindow {
  readonly producer: string
  readonly kind: CreditEvent['kind']
  n: number
  from: number
  to: number
  /** Seconds from event time to append. */
  readonly age: FieldWindow
  readonly fields: Map<string, FieldWindow>
}

export interface QualityState {
  readonly sources: Map<string, SourceWindow>
  readonly producers: Set<string>
  unwatched: number
}

export const qualityState = (): QualityState => ({ sources: new Map(), producers: new Set(), unwatched: 0 })

/** A check of one field and how it came out; `fault` undefined: it is as it was. */
export interface QualityCheck {
  readonly producer: string
  readonly kind: string
  readonly field: string
  readonly cause: AlertCause
  readonly fault: Omit<FieldFault, 'cause'> | undefined
}

export interface SourceVerdict {
  readonly checks: readonly QualityCheck[]
  readonly rows: readonly QualityRow[]
  readonly from: number
  readonly to: number
  readonly n: number
}

/** By producer and kind, to be found without making a key for each event; what is not here is in the state. */
const found = new WeakMap<QualityState, Map<string, Map<string, SourceWindow>>>()

const sourceOf = (state: QualityState, event: CreditEvent): SourceWindow | undefined => {
  let producers = found.get(state)
  if (producers === undefined) found.set(state, (producers = new Map()))
  const known = producers.get(event.producer)?.get(event.kind)
  if (known !== undefined) return known
  const source = heldSource(state, event)
  if (source === undefined) return undefined
  const kinds = producers.get(event.producer) ?? new Map<string, SourceWindow>()
  producers.set(event.producer, kinds.set(event.kind, source))
  return source
}

const heldSource = (state: QualityState, event: CreditEvent): SourceWindow | undefined => {
  const key = `${event.producer} ${event.kind}`
  const held = state.sources.get(key)
  if (held !== undefined) return held
  if (!state.producers.has(event.producer)) {
    if (state.producers.size >= PRODUCERS_MAX) return undefined
    state.producers.add(event.producer)
  }
  const made: SourceWindow = {
    producer: event.producer,
    kind: event.kind,
    n: 0,
    from: Infinity,
    to: -Infinity,
    age: fieldWindow(),
    fields: new Map(WATCHED_FIELDS[event.kind].map(({ name }) => [name, fieldWindow()])),
  }
  state.sources.set(key, made)
  return made
}

const FIELD_CAUSES = ['missing', 'unit-change', 'range'] as const

const staleness = (source: SourceWindow, settings: Settings): QualityCheck => {
  const decades = medianShift(source.age.baseline.magnitudes, source.age.window.magnitudes)
  const stale = decades >= Math.log10(settings.freshnessFactor)
  return {
    producer: source.producer,
    kind: source.kind,
    field: 'eventTime',
    cause: 'freshness',
    fault: stale
      ? {
          metric: 'age-factor',
          value: 10 ** decades,
          threshold: settings.freshnessFactor,
          detail: `events arrive at ${+(10 ** decades).toPrecision(2)} times the age they had before`,
        }
      : undefined,
  }
}

/** Judges all fields of a window, moves clean ones into the past, and begins the next. */
const closeSource = (source: SourceWindow, settings: Settings): SourceVerdict | undefined => {
  const checks: QualityCheck[] = []
  const rows: QualityRow[] = []
  const { producer, kind, from, to, n } = source
  const base = { window_start: from, window_end: to + 1, producer, kind, n }
  for (const field of WATCHED_FIELDS[kind]) {
    const counts = source.fields.get(field.name)
    if (counts === undefined) continue
    const gathering = isGathering(counts)
    const { faults, metrics } = gathering ? { faults: [], metrics: [] } : judgeField(field, counts.baseline, counts.window, settings)
    for (const cause of FIELD_CAUSES) {
      const fault = faults.find((one) => one.cause === cause)
      if (!gathering) checks.push({ producer, kind, field: field.name, cause, fault })
    }
    for (const metric of metrics)
      rows.push({ ...base, field: field.name, ...metric, alert: faults.some((fault) => fault.metric === metric.metric) })
    if (faults.length === 0) absorb(counts)
    else discard(counts)
  }
  const stale = isGathering(source.age) ? undefined : staleness(source, settings)
  if (stale !== undefined) checks.push(stale)
  if (stale?.fault === undefined) absorb(source.age)
  else discard(source.age)
  source.n = 0
  source.from = Infinity
  source.to = -Infinity
  return checks.length === 0 ? undefined : { checks, rows, from, to: to + 1, n }
}

/** Counts an event appended at `at` (log time); the verdict where it completes its producer's window of that kind. */
export const stepQuality = (state: QualityState, event: CreditEvent, at: number, settings: Settings): SourceVerdict | undefined => {
  const source = sourceOf(state, event)
  if (source === undefined) {
    state.unwatched++
    return undefined
  }
  const values = event as unknown as Readonly<Record<string, unknown>>
  for (const [name, { window }] of source.fields) countValue(window, values[name])
  countValue(source.age.window, Math.max(1, Math.round((at - event.eventTime) / 1_000)))
  source.from = Math.min(source.from, event.eventTime)
  source.to = Math.max(source.to, event.eventTime)
  source.n++
  return source.n >= settings.windowEvents ? closeSource(source, settings) : undefined
}

/** Judges now what a kind's unfinished windows hold, where they hold enough: a drift that ends first must not overlook what caused it. */
export const judgeEarly = (state: QualityState, settings: Settings): SourceVerdict[] =>
  [...state.sources.values()]
    .filter(({ n, age, fields }) => n >= EARLY_MIN && ![age, ...fields.values()].every(isGathering))
    .flatMap((source) => closeSource(source, settings) ?? [])

/** Events of an unfinished window from which its magnitudes mean something. */
const EARLY_MIN = 200

/** Forgets what a field of a producer's events of a kind usually holds; `eventTime` stands for their age. False where it is not watched. */
export const forgetField = (state: QualityState, producer: string, kind: string, field: string): boolean => {
  const source = state.sources.get(`${producer} ${kind}`)
  const held = field === 'eventTime' ? source?.age : source?.fields.get(field)
  if (held !== undefined) beginAnew(held)
  return held !== undefined
}
