/** `npm run bench:retrain`: from the request to the successor deciding, and what whoever waits for a decision notices of it. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchRow, median } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { forked } from './forked.ts'
import { machineLine } from './machine.ts'
import { type RetrainingRequest, type RetrainingResult, type Window, WINDOWS } from './retraining-client.ts'

const HELP = `Usage: npm run bench:retrain -- [options]

Serves a portfolio at a fixed rate whatever the engine does, changes its clients, and waits until the engine has found it, trained a successor,
judged and promoted it, and decides by it. Tells the seconds that took and the latency of decisions before, during training, around the exchange
and after it. About three minutes a run. Needs the learner's library (npm run setup:lightgbm).

Options:
  --json FILE       also write [{name, value, unit, peer, peerValue, ratio, conditions}] to FILE
  --runs N          runs of which the median counts (default 3; 1 with --quick)
  --rate N          applications a second, each with its history (default 300)
  --learner NAME    lightgbm (default) or xgboost
  --quick           one run
  --help            this text
`

const PARTITIONS = 12
const RATE = 300
const SECONDS_MAX = 180
const P99_MS_MAX = 15
const WARM_S = 8
const TAIL_S = 10
/** Twelve thousand applications before the change: 40 s at the usual rate. */
const USUAL_MONTHS = 8
const APPLICATIONS_MAX = 75_000
const CONNECTIONS = 32

interface Run extends RetrainingResult {
  /** Share of the time in which the engine was ready to run and had no core. */
  readonly waitedShare: number
}

const configure = (dataDir: string, learner: string): string => {
  const file = join(dataDir, '..', 'retraining.yaml')
  writeFileSync(
    file,
    JSON.stringify({ promotion: 'gated', retrain: { learner }, monitoring: { drift: { windowDecisions: 1_000, decisionsMin: 1_000 } } }),
  )
  return file
}

const measure = async (engine: EngineProcess, request: RetrainingRequest): Promise<Run> => {
  const client = forked('retraining-client.ts')
  try {
    const before = engine.usage()
    const result = await client.ask<RetrainingResult>(request)
    const after = engine.usage()
    return { ...result, waitedShare: ((after.engineWaitS - before.engineWaitS) * 1_000) / (after.atMs - before.atMs) }
  } finally {
    client.close()
  }
}

const oneRun = async (scratch: string, rate: number, learner: string): Promise<Run> => {
  const home = mkdtempSync(join(scratch, 'retrain-'))
  const [dataDir, modelsDir] = [join(home, 'data'), join(home, 'models')]
  // A registry of its own: the run moves no alias but its own.
  cpSync(join(import.meta.dirname, '../models'), modelsDir, { recursive: true })
  const command = ['serve', '--log-level', 'error', '--config', configure(dataDir, learner)]
  const engine = await startEngine({ dataDir, modelsDir, command })
  try {
    return await measure(engine, {
      http: engine.http,
      dataDir,
      partitions: PARTITIONS,
      applicationsPerSecond: rate,
      connections: CONNECTIONS,
      usualMonths: USUAL_MONTHS,
      warmSeconds: WARM_S,
      tailSeconds: TAIL_S,
      applicationsMax: APPLICATIONS_MAX,
    })
  } finally {
    await engine.end()
    rmSync(home, { recursive: true, force: true })
  }
}

const rowsOf = (runs: readonly Run[], rate: number, learner: string): BenchRow[] => {
  const alone = { peer: null, peerValue: null, ratio: null }
  const conditions =
    `open loop: ${rate} applications/s, each with its history of about twelve events in one POST, over ${CONNECTIONS} kept-alive connections; from the scheduled send to the decision in the WebSocket client, coordinated omission counted; ` +
    `median of ${runs.length} runs; ${learner}, one thread, plan successor, after ${USUAL_MONTHS * 1_500} applications; warehouse and monitoring on; durability process-kill; ` +
    `the engine was ready to run and had no core for ${(median(runs.map((run) => run.waitedShare)) * 100).toFixed(1)} % of the time; client, engine, warehouse and training share the machine; no peer; ${machineLine()}`
  const seconds = (name: string, key: 'trainedS' | 'activatedS', unit: string, told: string): BenchRow => ({
    name,
    value: median(runs.map((run) => run[key])),
    unit,
    ...alone,
    conditions: told,
  })
  const latency = (window: Window, key: 'p50' | 'p99' | 'p999' | 'max'): BenchRow => {
    const values = runs.map((run) => run.windows[window])
    return {
      name: `retrain.latency.${window}.${key}`,
      value: median(values.map((one) => one[key])),
      unit: key === 'p99' ? `ms (at most ${P99_MS_MAX})` : 'ms',
      ...alone,
      conditions: `${values.map(({ decisions, missing }) => `${decisions} decisions, ${missing} missing`).join('; ')}; conditions as retrain.activated`,
    }
  }
  return [
    seconds('retrain.activated', 'activatedS', `s from the request to the successor deciding (at most ${SECONDS_MAX})`, conditions),
    seconds('retrain.trained', 'trainedS', 's from the request to the gates', 'conditions as retrain.activated'),
    ...WINDOWS.flatMap((window) => (['p50', 'p99', 'p999', 'max'] as const).map((key) => latency(window, key))),
  ]
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      runs: { type: 'string' },
      rate: { type: 'string', default: String(RATE) },
      learner: { type: 'string', default: 'lightgbm' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [runs, rate] = [Number(values.runs ?? (values.quick ? 1 : 3)), Number(values.rate)]
  const wrong =
    !Number.isInteger(runs) || runs < 1 || !Number.isInteger(rate) || rate < 1 || !['lightgbm', 'xgboost'].includes(values.learner)
  if (values.help || wrong) {
    ;(wrong ? process.stderr : process.stdout).write(HELP)
    return wrong ? 64 : 0
  }
  const scratch = mkdtempSync(join(tmpdir(), 'scorestream-bench-'))
  const done: Run[] = []
  try {
    for (let run = 1; run <= runs; run++) {
      const one = await oneRun(scratch, rate, values.learner)
      done.push(one)
      const told = WINDOWS.map((window) => `${window} ${one.windows[window].p50}/${one.windows[window].p99}/${one.windows[window].p999}`)
      process.stderr.write(`bench: run ${run}: ${one.modelVersion} after ${one.activatedS} s; ms at p50/p99/p99.9: ${told.join(', ')}\n`)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const rows = rowsOf(done, rate, values.learner)
  process.stdout.write(tableOf(rows))
  if (values.json !== undefined) writeFileSync(values.json, jsonOf(rows))
  return 0
}

process.exitCode = await main()
