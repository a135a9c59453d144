/**
 * Everything that is watched, as one fold over events and decisions in log order. It reads no clock: log time comes with the records, or is
 * told to pass. The same records in the same order give the same rows, alerts and requests, wherever it was interrupted and restored.
 */
import type { DecisionOutline } from '#schemas/decision-outline.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { Alert, AlertJudgement } from '#schemas/monitoring-events.ts'
import { binLayout, type BinLayout } from './drift/bin-layout.ts'
import type { WindowVerdict } from './drift/close-window.ts'
import { driftAlert } from './drift/drift-alert.ts'
import { type DriftState, driftState, forgetUnfinished, isOfProducer, stepDrift } from './drift/drift-monitor.ts'
import type { ReferenceOf } from './drift/reference.ts'
import { type Findings, noFindings } from './findings.ts'
import { latencyAlert, latencyKey } from './latency/latency-alert.ts'
import { countLatency, type LatencyState, latencyState, passMinutes } from './latency/latency-monitor.ts'
import { qualityAlert, qualityKey, volumeAlert, volumeKey } from './quality/quality-alert.ts'
import { judgeEarly, type QualityState, qualityState, type SourceVerdict, stepQuality } from './quality/quality-monitor.ts'
import { countVolume, passVolumePeriods, type VolumeState, volumeState } from './quality/volume-monitor.ts'
import type { MonitoringSettings } from './settings.ts'
import { type AlertBook, alertBook, isBlocked, type NewAlert, raise, settle } from './triggers/alert-book.ts'
import { judgeAlert } from './triggers/judge-alert.ts'
import { doubt, type Refusal, refusalOf, request, type RetrainState, retrainState, seeWindow } from './triggers/retrain-trigger.ts'

/**
 * Events of the kinds that come in bulk which are looked at in a second of log time; the rest of that second is passed over. A window of 500 is full
 * in a quarter of a second then, and a flood costs no more than this.
 */
const BULK_PER_SECOND_MAX = 2_000
const BULK: ReadonlySet<CreditEvent['kind']> = new Set(['statement', 'payment', 'transaction'])

/** Applications not decided yet whose channel and producer are remembered for their decision; the oldest give way. */
const UNDECIDED_MAX = 65_536
const MINUTE_MS = 60_000
const UNKNOWN = { channel: 'unknown', producer: 'unknown' }

/** Plain data: what `node:v8` serialises. */
export interface MonitorState {
  readonly drift: DriftState
  readonly quality: QualityState
  readonly volume: VolumeState
  readonly latency: LatencyState
  readonly alerts: AlertBook
  readonly retrain: RetrainState
  /** `<partition>-<offset>` of an application → what its decision does not say. */
  readonly undecided: Map<string, { readonly channel: string; readonly producer: string }>
  /** Per partition of the input, the offset behind the last event seen. */
  readonly inputOffsets: number[]
  readonly figures: MonitorFigures
  /** Key of the shift that the last window showed. */
  suspected: string | undefined
  /** Second of log time, and events in bulk looked at in it. */
  second: number
  looked: number
}

/** What a dashboard of the process shows; plain numbers. */
export interface MonitorFigures {
  decisions: number
  events: number
  scorePsi: number
  largestPsi: number
  /** Of the longest page window. */
  burnRate: number
  requests: number
  /** Windows in which a request was due and not made, by reason. */
  readonly refused: Partial<Record<Refusal, number>>
}

export const monitorState = (partitions: number): MonitorState => ({
  drift: driftState(),
  quality: qualityState(),
  volume: volumeState(),
  latency: latencyState(),
  alerts: alertBook(),
  retrain: retrainState(),
  undecided: new Map(),
  inputOffsets: Array.from({ length: partitions }, () => 0),
  figures: { decisions: 0, events: 0, scorePsi: 0, largestPsi: 0, burnRate: 0, requests: 0, refused: {} },
  suspected: undefined,
  second: -1,
  looked: 0,
})

export class Monitor {
  readonly #settings: MonitoringSettings
  readonly #referenceOf: ReferenceOf
  readonly #layouts = new Map<string, BinLayout | undefined>()
  readonly #state: MonitorState
  #found = noFindings()
  /** Minute of log time that has been passed; periods end with a minute. */
  #passed = Number.NEGATIVE_INFINITY

  constructor(settings: MonitoringSettings, referenceOf: ReferenceOf, state: MonitorState) {
    this.#settings = settings
    this.#referenceOf = referenceOf
    this.#state = state
  }

  get state(): MonitorState {
    return this.#state
  }

  /** Whether anything waits to be taken. */
  get hasFindings(): boolean {
    return Object.values(this.#found).some((some: readonly unknown[]) => some.length > 0)
  }

  get hasNews(): boolean {
    const { alerts, requests, judgements } = this.#found
    return alerts.length + requests.length + judgements.length > 0
  }

  /** Whether an event of this kind, appended at `at`, is to be looked at; ask once for each, in order. */
  wants(kind: CreditEvent['kind'], at: number): boolean {
    if (!BULK.has(kind)) return true
    const state = this.#state
    const second = Math.floor(at / 1_000)
    if (second !== state.second) {
      state.second = second
      state.looked = 0
    }
    return ++state.looked <= BULK_PER_SECOND_MAX
  }

  /** An event that was not wanted. */
  skip(partition: number, offset: number): void {
    this.#state.inputOffsets[partition] = offset + 1
  }

  /** What was found since the last call. */
  take(): Findings {
    const found = this.#found
    this.#found = noFindings()
    return found
  }

  event(event: CreditEvent, partition: number, offset: number, at: number): void {
    this.pass(at)
    const state = this.#state
    state.figures.events++
    state.inputOffsets[partition] = offset + 1
    if (event.kind === 'application') this.#remember(`${partition}-${offset}`, event.channel, event.producer)
    if (event.kind === 'outcome' && event.observed) state.retrain.outcomes++
    countVolume(state.volume, event.producer)
    const verdict = stepQuality(state.quality, event, at, this.#settings.quality)
    if (verdict !== undefined) this.#seeQuality(verdict, at)
  }

  decision({ body, envelope }: DecisionOutline, at: number): void {
    this.pass(at)
    const state = this.#state
    state.figures.decisions++
    countLatency(state.latency, envelope.stages, this.#settings.latency)
    const key = `${body.partition}-${body.offset}`
    const { channel, producer } = state.undecided.get(key) ?? UNKNOWN
    state.undecided.delete(key)
    const segments = { product: body.product, channel, producer }
    const seen = { body, segments, at, doubted: isBlocked(state.alerts) }
    const verdict = stepDrift(state.drift, seen, (version) => this.#layoutOf(version), this.#settings.drift)
    if (verdict !== undefined) this.#seeWindow(verdict)
  }

  /** Log time has come to `at`: whatever was appended before it has been seen. */
  pass(at: number): void {
    const minute = Math.floor(at / MINUTE_MS)
    if (minute <= this.#passed) return
    this.#passed = minute
    const { latency, quality } = this.#settings
    const state = this.#state
    for (const { alerts, rows, at: end } of passMinutes(state.latency, at, latency)) {
      this.#found.slo.push(...rows)
      for (const alert of alerts)
        this.#tell(latencyKey(alert), alert.firing ? latencyAlert(alert, end, latency.milliseconds) : undefined, end)
      state.figures.burnRate = alerts[0]?.burnRate ?? 0
    }
    for (const verdict of passVolumePeriods(state.volume, at, quality)) {
      const { producer, from, to, n, usual, factor, faulty } = verdict
      const row = { window_start: from, window_end: to, producer, kind: '*', field: '*', metric: 'volume-factor' as const, value: factor }
      this.#found.quality.push({ ...row, baseline: usual, threshold: quality.volumeFactor, n, alert: faulty })
      this.#tell(volumeKey(producer), faulty ? volumeAlert(verdict, quality.volumeFactor) : undefined, to)
    }
  }

  /**
   * A finding of `key` made elsewhere (over tables): open where `alert` is given, ended where not. Performance asks for a successor, save that of a
   * time in which data were in doubt.
   */
  tell(key: string, alert: NewAlert | undefined, at: number): void {
    const opened = this.#tell(key, alert, at, alert?.windowStart)
    if (opened?.state !== 'open' || opened.kind !== 'performance' || opened.modelVersion === null) return
    const { retrain, figures } = this.#state
    if (opened.windowStart > retrain.doubtedEventTime) this.#ask(opened.modelVersion, at)
    else figures.refused['data-quality'] = (figures.refused['data-quality'] ?? 0) + 1
  }

  /** What a person makes of an alert, appended at `at`. */
  judge(judgement: AlertJudgement, at: number): void {
    this.pass(at)
    this.#found.alerts.push(...judgeAlert(this.#state, judgement, at))
    this.#found.judgements.push(judgement)
  }

  #remember(key: string, channel: string, producer: string): void {
    const { undecided } = this.#state
    undecided.set(key, { channel, producer })
    if (undecided.size <= UNDECIDED_MAX) return
    for (const oldest of undecided.keys()) {
      undecided.delete(oldest)
      return
    }
  }

  #layoutOf(version: string): BinLayout | undefined {
    if (!this.#layouts.has(version)) {
      const reference = this.#referenceOf(version)
      this.#layouts.set(version, reference === undefined ? undefined : binLayout(reference))
    }
    return this.#layouts.get(version)
  }

  #tell(key: string, alert: NewAlert | undefined, at: number, since = at): Alert | undefined {
    const { alerts } = this.#state
    const told = alert === undefined ? settle(alerts, key, at) : raise(alerts, key, alert, since)
    if (told !== undefined) this.#found.alerts.push(told)
    return told
  }

  #seeQuality(verdict: SourceVerdict, at: number): void {
    const { alerts, drift, retrain } = this.#state
    const before = isBlocked(alerts)
    this.#found.quality.push(...verdict.rows)
    for (const check of verdict.checks) this.#tell(qualityKey(check), check.fault && qualityAlert(check, check.fault, verdict, at), at)
    const after = isBlocked(alerts)
    if (after && !before) forgetUnfinished(drift)
    // The doubt lasts up to the window that clears it: between the last faulty one and this one more bad data may have come.
    if (before || after) doubt(retrain, at, Math.max(...verdict.rows.map((row) => row.window_end)))
  }

  #seeWindow(verdict: WindowVerdict): void {
    const { figures, alerts, retrain, quality } = this.#state
    const at = verdict.closedAt
    const shifted = verdict.moved.length > 0
    figures.scorePsi = verdict.scorePsi
    figures.largestPsi = verdict.largestPsi
    this.#found.drift.push(...verdict.rows)
    if (shifted) for (const early of judgeEarly(quality, this.#settings.quality)) this.#seeQuality(early, at)
    if (isBlocked(alerts)) doubt(retrain, at)
    const prefix = `drift:${verdict.modelVersion}:`
    const key = shifted ? `${prefix}${verdict.segment ?? 'all'}` : undefined
    const enough = verdict.n >= this.#settings.drift.decisionsMin
    if (enough) for (const open of [...alerts.open.keys()]) if (open.startsWith(prefix) && open !== key) this.#tell(open, undefined, at)
    this.#forgetModels(verdict.openedAt, at)
    this.#tellShift(verdict, key)
    const { modelVersion, openedAt, moved } = verdict
    const telling = moved.length >= this.#settings.retrain.featuresMin || moved.some(({ feature }) => feature === 'score')
    const window = { modelVersion, openedAt, shifted, telling, enough }
    if (seeWindow(retrain, window, this.#settings.retrain)) this.#ask(modelVersion, at)
  }

  #tellShift(verdict: WindowVerdict, key: string | undefined): void {
    const { alerts, retrain } = this.#state
    const doubted = [...alerts.open.values()].find((one) => one.blocksRetraining)
    const seenBefore = this.#state.suspected === key
    this.#state.suspected = key
    if (key === undefined) return
    // The tail of doubtful data in a window tells nothing new once the doubt itself is over.
    if (doubted === undefined && verdict.openedAt <= retrain.doubtedAt) return
    // Confined to one producer it may be that producer's data: by the next window they have been judged.
    if (doubted === undefined && !seenBefore && isOfProducer(verdict.segment)) return
    this.#tell(key, driftAlert(verdict, this.#settings.drift.psi, doubted), verdict.closedAt)
  }

  /** What a model that no longer decides did wrong concerns nobody any more. */
  #forgetModels(since: number, at: number): void {
    const { alerts, drift } = this.#state
    for (const [key, { kind, modelVersion }] of alerts.open)
      if (kind === 'drift' && modelVersion !== null && (drift.models.get(modelVersion)?.lastAt ?? -Infinity) < since)
        this.#tell(key, undefined, at)
  }

  #ask(modelVersion: string, at: number): void {
    const { alerts, retrain, figures, inputOffsets } = this.#state
    const refusal = refusalOf(retrain, at, isBlocked(alerts), this.#settings.retrain)
    if (refusal !== undefined) {
      figures.refused[refusal] = (figures.refused[refusal] ?? 0) + 1
      return
    }
    // Fairness and latency alerts of the same model stand open beside what asks for a successor; they do not ask.
    const asks = (kind: Alert['kind']): boolean => kind === 'drift' || kind === 'performance'
    const causes = [...alerts.open.values()]
      .filter((one) => one.modelVersion === modelVersion && asks(one.kind))
      .filter((one) => one.kind !== 'performance' || one.windowStart > retrain.doubtedEventTime)
      // What opened last is what asks: the request speaks of it first.
      .toSorted((a, b) => b.raisedAt - a.raisedAt)
    this.#found.requests.push(request(retrain, modelVersion, at, causes, inputOffsets))
    figures.requests++
  }
}
