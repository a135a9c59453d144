/** How soon injected shifts are told, how often nothing is told as something, and what Evidently says of the same windows. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { ModelReference } from '#monitoring/drift/reference.ts'
import { Monitor, monitorState } from '#monitoring/monitor.ts'
import { MonitoringSettings } from '#monitoring/settings.ts'
import { resolve } from '#registry/resolve.ts'
import type { Decision } from '#schemas/decision.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { Alert } from '#schemas/monitoring-events.ts'
import { type BenchRow, median } from './bench-row.ts'
import { machineLine } from './machine.ts'
import { type Drawn, demoDecisions, type Scenario, SCENARIOS, streamOf } from './monitoring-scenarios.ts'
import { pythonPeer, type PythonPeer } from './python-peer.ts'

const SETTINGS = Value.Default(MonitoringSettings, {}) as MonitoringSettings
const WINDOW = SETTINGS.drift.windowDecisions
/** Undisturbed decisions before a shift: every part of the portfolio has its own past by then. */
const LEAD = 12_000
const AFTER = 12_000
/** Decisions on bad data before they are mended. */
const ERROR = 5_000
/** Streams of which the median delay counts. */
const STREAMS = 5
/** Rows of the reference that the peer is given. */
const PEER_REFERENCE = 6_000
const STEP_MS = 10
const START = Date.UTC(2026, 0, 1)

const referenceOfShipped = (): ModelReference => {
  const { manifest } = resolve(join(import.meta.dirname, '../models'), 'credit@champion')
  const { name, version, reference, scoreReference, data } = manifest
  return { modelVersion: `${name}@${version}`, features: reference, score: scoreReference, rows: data.rows - data.holdoutRows }
}

interface Told {
  readonly index: number
  readonly alert: Alert
}

const STAGES = { queueUs: 100, decodeUs: 1, stateUs: 1, foldUs: 1, scoreUs: 1, explainUs: 1, policyUs: 1, commitUs: 0, publishUs: 1 }

/** A payment and an application of the drawn client, and its decision, each at its place in one partition. */
const observe = (monitor: Monitor, { application, vector, verdict, paid, channel, producer }: Drawn, index: number): void => {
  const at = START + index * STEP_MS
  const event = { ...application, eventTime: at, producer, channel }
  const payment = { ...event, kind: 'payment', accountId: 'x', amount: paid }
  monitor.event(payment as unknown as CreditEvent, 0, 2 * index, at)
  monitor.event(event as unknown as CreditEvent, 0, 2 * index + 1, at)
  const body = { ...event, ...verdict, partition: 0, offset: 2 * index + 1, vector }
  monitor.decision({ body, envelope: { stages: STAGES } } as unknown as Decision, at)
}

const watch = (stream: Iterable<Drawn>, reference: ModelReference): Told[] => {
  const monitor = new Monitor(SETTINGS, () => reference, monitorState(1))
  const told: Told[] = []
  let index = 0
  for (const drawn of stream) {
    observe(monitor, drawn, index)
    if (monitor.hasFindings) for (const alert of monitor.take().alerts) if (alert.state === 'open') told.push({ index, alert })
    index++
  }
  return told
}

interface PeerWindow {
  readonly columns: readonly string[]
  readonly dataset: boolean
  readonly psi: readonly string[]
}

/** Undisturbed windows first, then those after the shift. */
const askPeer = async (
  peer: PythonPeer,
  scratch: string,
  name: string,
  rows: Iterable<Drawn>,
  reference: Iterable<Drawn>,
): Promise<readonly PeerWindow[]> => {
  const write = (file: string, some: Iterable<Drawn>): string => {
    const path = join(scratch, file)
    const handle = openSync(path, 'w')
    for (const { vector, verdict } of some) writeSync(handle, Buffer.from(Float32Array.of(...vector, verdict.score).buffer))
    closeSync(handle)
    return path
  }
  const columns = [...creditFeatureSet.features.map((feature) => feature.name), 'score']
  const request = { reference: write('reference.f32', reference), windows: write(`${name}.f32`, rows), columns, rows: WINDOW }
  return (await peer.ask<{ windows: PeerWindow[] }>(request)).windows
}

const peerReference = (pool: readonly Drawn[]): Iterable<Drawn> => streamOf(pool, 99, { count: PEER_REFERENCE })

const matches = (alert: Alert, cause: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(cause).every(([key, value]) => (alert as unknown as Record<string, unknown>)[key] === value)

const peerDelay = (windows: readonly PeerWindow[], drifted: (window: PeerWindow) => boolean): string => {
  const first = windows.findIndex(drifted)
  return first < 0 ? `never in ${windows.length * WINDOW}` : `${(first + 1) * WINDOW}`
}

export interface DetectionContext {
  readonly quick: boolean
  readonly scratch: string
  readonly python: string
  readonly say: (line: string) => void
}

/** Decisions of the false alarms' row: ours, and of them the first ones for the peer, which takes seconds a window. */
const UNDRIFTED = { ours: 400_000, peer: 40_000 }
const UNDRIFTED_QUICK = { ours: 40_000, peer: 10_000 }

const falseAlarms = async (
  context: DetectionContext,
  pool: readonly Drawn[],
  reference: ModelReference,
  peer: PythonPeer,
): Promise<BenchRow> => {
  const { ours: count, peer: peerCount } = context.quick ? UNDRIFTED_QUICK : UNDRIFTED
  // The peer, a process of its own, works meanwhile.
  const asked = askPeer(peer, context.scratch, 'none', streamOf(pool, 1, { count: peerCount }), peerReference(pool))
  const told = watch(streamOf(pool, 1, { count }), reference)
  const windows = await asked
  const of = (drifted: (window: PeerWindow) => boolean): number => (windows.filter(drifted).length / peerCount) * 100_000
  return {
    name: 'monitoring.false_alarms',
    value: (told.length / count) * 100_000,
    unit: 'per 100,000 undrifted decisions',
    peer: 'Evidently 0.7 (any column, its defaults)',
    peerValue: of(({ columns }) => columns.length > 0),
    ratio: null,
    conditions: `${count} decisions drawn with replacement from the demo's 30,000, and a payment each; all alerts of any kind counted; Evidently on ${windows.length} windows of ${WINDOW}: any column by PSI ≥ 0.25 ${of(({ psi }) => psi.length > 0)}, its verdict on the data set ${of(({ dataset }) => dataset)} per 100,000; ${machineLine()}`,
  }
}

interface Detected {
  /** Decisions from the shift to the alert that names it. */
  readonly delay: number
  readonly alert: Alert
  /** Alerts told between the shift and that one. */
  readonly wrong: readonly Alert[]
}

/** One stream in which the shift begins `lead` decisions after the start. @throws Error where it is not told with its cause. */
const detect = (pool: readonly Drawn[], seed: number, lead: number, scenario: Scenario, reference: ModelReference): Detected => {
  const after = watch(streamOf(pool, seed, { count: lead + AFTER, from: lead, scenario }), reference).filter(({ index }) => index >= lead)
  const right = after.find(({ alert }) => matches(alert, scenario.cause))
  if (right === undefined)
    throw new Error(
      `${scenario.name} was not told with its cause: ${after.map(({ alert }) => `${alert.cause} ${alert.subject}`).join('; ') || 'no alert'}`,
    )
  const wrong = after.filter(({ index, alert }) => index <= right.index && alert !== right.alert)
  return { delay: right.index - lead + 1, alert: right.alert, wrong: wrong.map(({ alert }) => alert) }
}

const delayRow = async (
  { quick, scratch }: DetectionContext,
  pool: readonly Drawn[],
  seed: number,
  scenario: Scenario,
  reference: ModelReference,
  peer: PythonPeer,
): Promise<BenchRow> => {
  const shifted = [...streamOf(pool, seed, { count: LEAD + (quick ? 2 : 4) * WINDOW, from: LEAD, scenario })].slice(LEAD)
  const asked = askPeer(peer, scratch, scenario.name, shifted, peerReference(pool))
  const streams = quick ? 2 : STREAMS
  // The shift begins anywhere within a window.
  const found = Array.from({ length: streams }, (_, at) =>
    detect(pool, seed + 100 * at, LEAD + Math.round((at * WINDOW) / streams), scenario, reference),
  )
  const windows = await asked
  const delays = found.map(({ delay }) => delay)
  const wrong = found.flatMap((one) => one.wrong)
  const [{ alert }] = found as [Detected]
  const after = (drifted: (window: PeerWindow) => boolean): string => peerDelay(windows, drifted)
  const conditions = [
    `${scenario.what}; ${streams} streams, the shift beginning anywhere within a window: ${Math.min(...delays)} to ${Math.max(...delays)}`,
    `each names the cause, as here: ${alert.cause}, ${alert.subject}, ${alert.detail}`,
    wrong.length === 0
      ? 'nothing else was told before'
      : `told before: ${wrong.map(({ cause, subject }) => `${cause} ${subject}`).join(', ')}`,
    `Evidently on windows of ${WINDOW} that begin with the shift: any column by its defaults after ${after(({ columns }) => columns.length > 0)}, by PSI ≥ 0.25 after ${after(({ psi }) => psi.length > 0)}, its verdict on the data set after ${after(({ dataset }) => dataset)}`,
    `it names columns (${windows[0]?.columns.slice(0, 4).join(', ') || 'none'}), neither producer nor segment`,
  ]
  return {
    name: `monitoring.delay.${scenario.name}`,
    value: median(delays),
    unit: 'decisions',
    peer: null,
    peerValue: null,
    ratio: null,
    conditions: conditions.join('; '),
  }
}

/** Bad data end: what is told afterwards of the population would be wrong. */
const afterMend = (pool: readonly Drawn[], reference: ModelReference, quick: boolean): BenchRow => {
  const scenario = SCENARIOS.find(({ name }) => name === 'unit_change')!
  const streams = quick ? 2 : STREAMS
  const told: Alert[] = []
  for (let at = 0; at < streams; at++) {
    const until = LEAD + ERROR + Math.round((at * WINDOW) / streams)
    const stream = streamOf(pool, 50 + at, { count: until + AFTER, from: LEAD, until, scenario })
    told.push(...watch(stream, reference).flatMap(({ index, alert }) => (index >= until && alert.kind === 'drift' ? [alert] : [])))
  }
  return {
    name: 'monitoring.false_alarms.after_mend',
    value: told.length,
    unit: `drift alerts in ${streams * AFTER} decisions after bad data were mended`,
    peer: null,
    peerValue: null,
    ratio: null,
    conditions: `${scenario.what}, ${ERROR} decisions long, mended anywhere within a window; ${told.map(({ cause, subject }) => `${cause} ${subject}`).join(', ') || 'nothing told'}`,
  }
}

/** @throws Error where the peer cannot run, or a shift is not told at all. */
export const detectionBenches = async (context: DetectionContext): Promise<BenchRow[]> => {
  context.say('folding and scoring the demo')
  const pool = await demoDecisions()
  const reference = referenceOfShipped()
  const peer = pythonPeer(context.python, join(import.meta.dirname, 'peers/evidently_drift.py'))
  try {
    context.say('false alarms')
    const rows = [await falseAlarms(context, pool, reference, peer), afterMend(pool, reference, context.quick)]
    for (const [number, scenario] of SCENARIOS.entries()) {
      context.say(scenario.name)
      rows.push(await delayRow(context, pool, 2 + number, scenario, reference, peer))
    }
    return rows
  } finally {
    peer.close()
  }
}
