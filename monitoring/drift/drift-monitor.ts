/**
 * Drift of features and score over tumbling windows, for all decisions of a model and for parts of the portfolio. All decisions are
 * compared with the reference the model was fitted on; a part is compared with its own first decisions under the model, for parts
 * differ from the whole by nature. A fold over decisions in log order: state is plain data, changed in place.
 */
import type { DecisionOutline } from '#schemas/decision-outline.ts'
import type { MonitoringSettings } from '../settings.ts'
import { type BinLayout, binOf } from './bin-layout.ts'
import { type Counted, noneCounted } from './compare-bins.ts'
import { closeWindow, type WindowVerdict } from './close-window.ts'

/** Parts per dimension; further values share the part `dimension=other`. */
const PARTS_MAX = 16
/** Models watched at a time (champion, challenger, and one that is being replaced); the one unseen longest gives way. */
const MODELS_MAX = 4
/** First decisions of a part that become its reference: two windows of the smallest that may alert. */
export const BASELINE_DECISIONS = 2_000

export interface Part {
  /** dimension=value */
  readonly segment: string
  readonly baseline: Counted
  readonly window: Counted
  /** Log time at which the window's first decision was appended: a small part's window spans several of the whole. */
  openedAt: number
  from: number
  to: number
}

export interface ModelWindow {
  readonly modelVersion: string
  readonly window: Counted
  readonly parts: Map<string, Part>
  /** Log time at which the window's first decision was appended. */
  openedAt: number
  /** Least and greatest event time in the window. */
  from: number
  to: number
  lastAt: number
}

export interface DriftState {
  readonly models: Map<string, ModelWindow>
  /** Decisions of models whose reference is not at hand. */
  unreferenced: number
}

export const driftState = (): DriftState => ({ models: new Map(), unreferenced: 0 })

export interface Segments {
  readonly product: string
  readonly channel: string
  readonly producer: string
}

/** A decision appended at `at` (log time); `doubted` where data are in doubt, of which nothing usual is learned. */
export interface SeenDecision {
  readonly body: DecisionOutline['body']
  readonly segments: Segments
  readonly at: number
  readonly doubted: boolean
}

/** Whether a segment is all that one producer sent. */
export const isOfProducer = (segment: string | null): boolean => segment?.startsWith('producer=') === true

/** The layout of a model version; the same for every call. */
export type LayoutOf = (modelVersion: string) => BinLayout | undefined

const HOUR_MS = 3_600_000

const modelOf = (state: DriftState, modelVersion: string, layout: BinLayout, at: number): ModelWindow => {
  const held = state.models.get(modelVersion)
  if (held !== undefined) return held
  if (state.models.size >= MODELS_MAX) {
    const oldest = [...state.models.values()].reduce((a, b) => (b.lastAt < a.lastAt ? b : a))
    state.models.delete(oldest.modelVersion)
  }
  const made: ModelWindow = {
    modelVersion,
    window: noneCounted(layout),
    parts: new Map(),
    openedAt: at,
    from: Infinity,
    to: -Infinity,
    lastAt: at,
  }
  state.models.set(modelVersion, made)
  return made
}

type Dimension = keyof Segments
const DIMENSIONS = ['product', 'channel', 'producer'] as const

/** By dimension and value, to be found without making a key for each decision; what is not here is in the state. At most `PARTS_MAX` a dimension. */
const partsOf = new WeakMap<ModelWindow, Record<Dimension, Map<string, Part>>>()

const partOf = (model: ModelWindow, layout: BinLayout, dimension: Dimension, value: string): Part => {
  let parts = partsOf.get(model)
  if (parts === undefined) partsOf.set(model, (parts = { product: new Map(), channel: new Map(), producer: new Map() }))
  const known = parts[dimension].get(value)
  if (known !== undefined) return known
  const part = heldPart(model, layout, dimension, value)
  // Those that share the part of all others are without bound.
  if (part.segment === segmentOf(dimension, value)) parts[dimension].set(value, part)
  return part
}

const segmentOf = (dimension: Dimension, value: string): string => `${dimension}=${value}`

const heldPart = (model: ModelWindow, layout: BinLayout, dimension: Dimension, value: string): Part => {
  const segment = segmentOf(dimension, value)
  const held = model.parts.get(segment)
  if (held !== undefined) return held
  let siblings = 0
  for (const one of model.parts.keys()) if (one.startsWith(`${dimension}=`)) siblings++
  if (siblings >= PARTS_MAX && value !== 'other') return heldPart(model, layout, dimension, 'other')
  const made: Part = { segment, baseline: noneCounted(layout), window: noneCounted(layout), openedAt: 0, from: Infinity, to: -Infinity }
  model.parts.set(segment, made)
  return made
}

let bins = new Int32Array(0)

const add = (counted: Counted, size: number): void => {
  counted.n++
  const { counts } = counted
  const counters = bins
  for (let at = 0; at < size; at++) counts[counters[at]!]! += 1
}

const isGathering = ({ baseline }: Part): boolean => baseline.n < BASELINE_DECISIONS

export const forget = (counted: Counted): void => {
  counted.n = 0
  counted.counts.fill(0)
}

/** Data have come into doubt: what parts had gathered of their own past may hold some of them already, and is gathered anew. */
export const forgetUnfinished = ({ models }: DriftState): void => {
  for (const { parts } of models.values()) for (const part of parts.values()) if (isGathering(part)) forget(part.baseline)
}

const count = (model: ModelWindow, layout: BinLayout, { body, segments, at, doubted }: SeenDecision): void => {
  const size = layout.names.length
  if (bins.length < size) bins = new Int32Array(size)
  const { vector } = body
  for (let at = 0; at < size - 1; at++) bins[at] = binOf(layout, at, vector[at]!)
  bins[size - 1] = binOf(layout, size - 1, body.score)
  add(model.window, size)
  for (const dimension of DIMENSIONS) {
    const part = partOf(model, layout, dimension, segments[dimension])
    if (isGathering(part)) {
      if (!doubted) add(part.baseline, size)
    } else {
      if (part.window.n === 0) part.openedAt = at
      add(part.window, size)
      part.from = Math.min(part.from, body.eventTime)
      part.to = Math.max(part.to, body.eventTime)
    }
  }
}

/**
 * Counts a decision; the verdict where it completes its window. Decisions of a model without reference, and vectors of another length than the
 * reference's, are counted as unreferenced.
 */
export const stepDrift = (
  state: DriftState,
  seen: SeenDecision,
  layoutOf: LayoutOf,
  settings: MonitoringSettings['drift'],
): WindowVerdict | undefined => {
  const { body, at } = seen
  const layout = layoutOf(body.modelVersion)
  if (layout === undefined || body.vector.length !== layout.names.length - 1) {
    state.unreferenced++
    return undefined
  }
  const model = modelOf(state, body.modelVersion, layout, at)
  if (model.window.n === 0) model.openedAt = at
  model.lastAt = at
  model.from = Math.min(model.from, body.eventTime)
  model.to = Math.max(model.to, body.eventTime)
  count(model, layout, seen)
  const due = model.window.n >= settings.windowDecisions || at - model.openedAt >= settings.windowHours * HOUR_MS
  return due ? closeWindow(model, layout, at, settings) : undefined
}
