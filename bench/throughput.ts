/** What one engine process sustains with everything on, beside a Python pipeline on the same stream. */
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventToJson } from '#schemas/parse-event.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import type { BenchContext } from './bench-context.ts'
import { type BenchRow, median } from './bench-row.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { applicationFloor, behaviouralFloor, type Floor } from './floor.ts'
import { forked, type Forked } from './forked.ts'
import type { LoadKind } from './load-bodies.ts'
import type { LoadRequest, LoadResult } from './load-generator.ts'
import { machineLine } from './machine.ts'
import { pythonPeer, type PythonPeer } from './python-peer.ts'

type Durability = 'process-kill' | 'power-loss'
type Mode = 'behavioural' | 'applications'

const CONNECTIONS = 8
/** Some 130 KB of statements and payments a request, as a batching producer sends; in flight are at most 8 × 512 events. */
const LINES_PER_BODY = { behavioural: 512, history: 512, applications: 64 } as const satisfies Partial<Record<LoadKind, number>>
/** Load before the clock starts: code is compiled and the first segments are there. */
const WARM_S = 3
/** The load is told to stop; this ends one that nobody stops. */
const LOAD_S_MAX = 3_600
/** How long SQL may take to show what was decided, after the load. */
const CATCH_UP_S_MAX = 120

interface Measured {
  /** Events folded (applications decided) a second. */
  readonly perSecond: number
  /** Rows SQL showed more, a second, over the same time. */
  readonly visiblePerSecond: number
  readonly lagAtEnd: number
  readonly catchUpS: number
  readonly engineCpuUs: number
  readonly warehouseCpuUs: number
  readonly logBytes: number
  readonly requestBytes: number
  readonly overloaded: number
  /** Mean of each stage column, µs; applications only. */
  readonly stages: string
}

const STAGES = ['queue', 'decode', 'state', 'fold', 'score', 'explain', 'policy', 'publish', 'commit'] as const

const stageMeans = async (engine: EngineProcess): Promise<string> => {
  const columns = STAGES.map((stage) => `round(avg(${stage}_us), 1)`).join(', ')
  const means = (await engine.query(`SELECT ${columns} FROM decisions FORMAT TSV`)).split('\t')
  return STAGES.map((stage, i) => `${stage} ${means[i]}`).join(', ')
}

const counted = (engine: EngineProcess, mode: Mode): Promise<number> =>
  mode === 'applications'
    ? engine.metric('scorestream_decisions_total')
    : Promise.all([engine.metric('scorestream_events_total', '"statement"'), engine.metric('scorestream_events_total', '"payment"')]).then(
        ([statements, payments]) => statements + payments,
      )

const visible = async (engine: EngineProcess, mode: Mode): Promise<number> =>
  Number(await engine.query(`SELECT count() FROM ${mode === 'applications' ? 'decisions' : 'events'}`))

const folded = async (engine: EngineProcess): Promise<void> => {
  const began = performance.now()
  for (let lag = Infinity; lag > 0; await sleep(50)) {
    lag = await engine.metric('scorestream_lag_records')
    if (performance.now() - began > CATCH_UP_S_MAX * 1000)
      throw new Error(`${lag} events were still not folded ${CATCH_UP_S_MAX} s after the load's end`)
  }
}

const caughtUp = async (engine: EngineProcess, wanted: number, mode: Mode): Promise<number> => {
  const began = performance.now()
  const elapsedS = (): number => (performance.now() - began) / 1000
  while ((await visible(engine, mode)) < wanted) {
    if (elapsedS() > CATCH_UP_S_MAX)
      throw new Error(
        `SQL did not show all ${wanted} rows (it shows ${await visible(engine, mode)}) within ${CATCH_UP_S_MAX} s of the load's end`,
      )
    await sleep(200)
  }
  return elapsedS()
}

const measure = async (engine: EngineProcess, generator: Forked, mode: Mode, seconds: number): Promise<Measured> => {
  const topic = mode === 'applications' ? ['credit-events', 'decisions'] : ['credit-events']
  const logBytes = (): number => topic.reduce((sum, name) => sum + engine.logBytes(name), 0)
  const load = (kind: keyof typeof LINES_PER_BODY, time: number | null): Promise<LoadResult> =>
    generator.ask({
      http: engine.http,
      kind,
      connections: CONNECTIONS,
      linesPerBody: LINES_PER_BODY[kind],
      seconds: time,
    } satisfies LoadRequest)
  if (mode === 'applications') {
    const { acknowledged } = await load('history', null)
    await caughtUp(engine, acknowledged, 'behavioural')
  }
  const loading = load(mode, LOAD_S_MAX)
  await sleep(WARM_S * 1000)
  const before = {
    at: performance.now(),
    count: await counted(engine, mode),
    rows: await visible(engine, mode),
    usage: engine.usage(),
    bytes: logBytes(),
  }
  await Promise.race([sleep(seconds * 1000), loading.then(() => Promise.reject(new Error('the load ended early')))])
  const after = {
    at: performance.now(),
    count: await counted(engine, mode),
    rows: await visible(engine, mode),
    usage: engine.usage(),
    bytes: logBytes(),
  }
  const lagAtEnd = await engine.metric('scorestream_warehouse_lag_records')
  await generator.ask({ stop: true })
  const { acknowledged, overloaded, bytes } = await loading
  await folded(engine)
  const catchUpS = await caughtUp(engine, await counted(engine, mode), mode)
  const events = after.count - before.count
  const perS = (difference: number): number => (difference / (after.at - before.at)) * 1000
  return {
    perSecond: perS(events),
    visiblePerSecond: perS(after.rows - before.rows),
    lagAtEnd,
    catchUpS,
    engineCpuUs: ((after.usage.engineCpuS - before.usage.engineCpuS) / events) * 1e6,
    warehouseCpuUs: ((after.usage.warehouseCpuS - before.usage.warehouseCpuS) / events) * 1e6,
    logBytes: (after.bytes - before.bytes) / events,
    requestBytes: bytes / acknowledged,
    overloaded,
    stages: mode === 'applications' ? await stageMeans(engine) : '',
  }
}

const writePeerEvents = async (path: string): Promise<void> => {
  const out = createWriteStream(path)
  for (const event of demoStream(readFileSync(join(import.meta.dirname, '../data/taiwan/taiwan-credit-default.csv.gz'))).events())
    if (!out.write(`${JSON.stringify(eventToJson(event))}\n`)) await once(out, 'drain')
  out.end()
  await once(out, 'finish')
}

const oneRun = async (context: BenchContext, generator: Forked, mode: Mode, durability: Durability): Promise<Measured> => {
  const dataDir = mkdtempSync(join(context.scratch, 'engine-'))
  try {
    const engine = await startEngine({ dataDir, modelsDir: context.modelsDir, durability })
    try {
      return await measure(engine, generator, mode, context.seconds)
    } finally {
      await engine.end()
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** The floor, and how far above it the engine's CPU time is. */
const distanceNote = (floor: Floor, engineCpuUs: number): string => {
  const stages = Object.entries(floor.stages).map(([stage, us]) => `${stage} ${us.toFixed(1)}`)
  return `floor ${floor.us.toFixed(1)} µs each (${stages.join(', ')}), engine CPU is ${(engineCpuUs / floor.us).toFixed(1)} times that`
}

const costNote = (all: readonly Measured[], floor: Floor): string => {
  const middle = (key: Exclude<keyof Measured, 'stages'>): number => median(all.map((one) => one[key]))
  return [
    distanceNote(floor, middle('engineCpuUs')),
    `engine CPU ${middle('engineCpuUs').toFixed(1)} µs and warehouse CPU ${middle('warehouseCpuUs').toFixed(1)} µs each`,
    `${middle('requestBytes').toFixed(0)} B of JSON in, ${middle('logBytes').toFixed(0)} B of log out`,
    `SQL followed at ${middle('visiblePerSecond').toFixed(0)}/s, ${middle('lagAtEnd').toFixed(0)} records behind at the end, all visible ${middle('catchUpS').toFixed(1)} s after it`,
    ...(middle('overloaded') > 0 ? [`${middle('overloaded')} requests were refused as overloaded and sent again`] : []),
    ...(all[0]?.stages ? [`mean stages in µs: ${all[0].stages}`] : []),
  ].join('; ')
}

const DATA =
  'demo stream (Taiwan, 30,000 clients), re-keyed each lap, NDJSON over HTTP on loopback, 8 connections, generator in its own process'
const EXCLUDED = 'one machine: generator, engine and warehouse share its cores; not shown: networks, TLS, tokens, more than one engine'
const PEER = 'Python pipeline (dicts, LightGBM, shap)'

const row = (
  mode: Mode,
  durability: Durability,
  runs: readonly Measured[],
  peer: readonly number[],
  floor: Floor,
  context: BenchContext,
): BenchRow => {
  const value = median(runs.map((run) => run.perSecond))
  const peerValue = median(peer)
  const what =
    mode === 'applications'
      ? `applications of applicants with history, ${LINES_PER_BODY.applications} a request`
      : `statements and payments, ${LINES_PER_BODY.behavioural} a request`
  return {
    name: `engine.${mode === 'applications' ? 'applications' : 'behavioural_events'}${durability === 'power-loss' ? '.power_loss' : ''}`,
    value,
    unit: mode === 'applications' ? 'decisions/s' : 'events/s',
    peer: PEER,
    peerValue,
    ratio: value / peerValue,
    conditions: `${what}; durability ${durability}; median of ${runs.length} runs of ${context.seconds} s; ${costNote(runs, floor)}; fixed 300-tree depth-6 model with scorecard, background 1,000; ${DATA}; ${EXCLUDED}; the peer has no durability, network, validation, dedupe, capsule or warehouse and appends behavioural events to lists in memory; ${machineLine()}`,
  }
}

const TARGETS: Readonly<Record<Mode, number>> = { behavioural: 50_000, applications: 6_000 }

/** Runs of one mode, ours and the peer's in turn; then power loss beside them, without a peer. */
const contest = async (context: BenchContext, generator: Forked, peer: PythonPeer, mode: Mode): Promise<BenchRow[]> => {
  const ours: Record<Durability, Measured[]> = { 'process-kill': [], 'power-loss': [] }
  const theirs: number[] = []
  const floor = mode === 'applications' ? await applicationFloor(context) : behaviouralFloor(context)
  const shape = { http: '', kind: mode, connections: 1, linesPerBody: LINES_PER_BODY[mode], seconds: 0 } satisfies LoadRequest
  await generator.ask({ prepare: shape })
  for (let run = 0; run < context.runs; run++) {
    for (const durability of ['process-kill', 'power-loss'] as const) {
      const measured = await oneRun(context, generator, mode, durability)
      ours[durability].push(measured)
      context.say(
        `${mode}, ${durability}, run ${run + 1}: ${measured.perSecond.toFixed(0)}/s (target ${TARGETS[mode]}), ${measured.engineCpuUs.toFixed(1)} µs of engine CPU each`,
      )
    }
    theirs.push((await peer.ask<{ perSecond: number }>({ do: 'time', mode, seconds: context.seconds })).perSecond)
    context.say(`${mode}, peer, run ${run + 1}: ${theirs.at(-1)!.toFixed(0)}/s`)
  }
  return [
    row(mode, 'process-kill', ours['process-kill'], theirs, floor, context),
    row(mode, 'power-loss', ours['power-loss'], theirs, floor, context),
  ]
}

/** `engine.behavioural_events`, `engine.applications`, each also under `.power_loss`. */
export const throughputBenches = async (context: BenchContext, modes: readonly Mode[]): Promise<BenchRow[]> => {
  const events = join(context.scratch, 'demo.ndjson')
  await writePeerEvents(events)
  const generator = forked('load-generator.ts')
  const peer = pythonPeer(await context.python(), join(import.meta.dirname, 'peers/python_pipeline.py'))
  try {
    context.say('peer: fitting its model')
    await peer.ask({ do: 'prepare', events, background: 1000 })
    const rows: BenchRow[] = []
    for (const mode of modes) rows.push(...(await contest(context, generator, peer, mode)))
    return rows
  } finally {
    peer.close()
    generator.close()
  }
}
