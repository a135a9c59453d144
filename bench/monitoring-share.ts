/**
 * What share of the CPU time of an event is monitoring's, on a machine whose speed changes by the minute: the engine goes through the demo without
 * monitoring, and at once afterwards monitoring alone goes through what it left, in processes of its own and with the same work done or left out.
 * Both sides of a share are minutes apart at most; shares are then compared, not seconds.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type BenchRow, median } from './bench-row.ts'
import { startEngine } from './engine-process.ts'
import { machineLine } from './machine.ts'
import type { Alone } from './monitoring-alone.ts'

const EVENTS = 383_103
const RECORD_MS_MAX = 120_000
const LOOK_MS = 200
/** With and without monitoring, by turns, for each recording. */
const TURNS = 3
/** As the warehouse process is started. */
const NODE_ARGS = ['--max-semi-space-size=4', '--v8-pool-size=1']

interface Recorded {
  readonly engineCpuS: number
  readonly warehouseCpuS: number
}

/** The whole demo without monitoring, until its rows are in the tables. */
const record = async (dataDir: string): Promise<Recorded> => {
  const engine = await startEngine({
    dataDir,
    command: ['start', '--as-fast-as-possible'],
    environment: { SCORESTREAM_MONITORING_ENABLED: 'false' },
  })
  try {
    const before = engine.usage()
    const done = async (): Promise<boolean> =>
      (await engine.metric('scorestream_events_total')) >= EVENTS && (await engine.metric('scorestream_warehouse_lag_records')) === 0
    while (!(await done())) {
      if (performance.now() - before.atMs > RECORD_MS_MAX) throw new Error(`the demo was not recorded within ${RECORD_MS_MAX / 1_000} s`)
      await sleep(LOOK_MS)
    }
    const after = engine.usage()
    return { engineCpuS: after.engineCpuS - before.engineCpuS, warehouseCpuS: after.warehouseCpuS - before.warehouseCpuS }
  } finally {
    await engine.end()
  }
}

const alone = async (dataDir: string, mode: 'on' | 'off'): Promise<Alone> => {
  const script = join(import.meta.dirname, 'monitoring-alone.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [...NODE_ARGS, script, dataDir, mode, dataDir])
  return JSON.parse(stdout) as Alone
}

/** One recording and what monitoring takes of it. */
interface Pair extends Recorded {
  readonly on: Alone
  readonly cpuS: number
  readonly bytes: number
}

const onePair = async (scratch: string, number: number): Promise<Pair> => {
  const dataDir = mkdtempSync(join(scratch, 'recorded-'))
  try {
    const recorded = await record(dataDir)
    const runs = { on: [] as Alone[], off: [] as Alone[] }
    for (let turn = 0; turn < TURNS; turn++)
      // Each goes first every other time.
      for (const mode of (turn + number) % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const))
        runs[mode].push(await alone(dataDir, mode))
    const more = (key: 'cpuS' | 'rssBytes'): number => median(runs.on.map((run) => run[key])) - median(runs.off.map((run) => run[key]))
    return { ...recorded, on: runs.on[0]!, cpuS: more('cpuS'), bytes: more('rssBytes') }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const spread = (values: readonly number[], digits: number): string =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`

const shareOf = ({ cpuS, engineCpuS, warehouseCpuS }: Pair): number => (100 * cpuS) / (engineCpuS + warehouseCpuS)
/** CPU seconds a million events. */
const perMillion = (seconds: number): number => (seconds / EVENTS) * 1e6

const rowsOf = (pairs: readonly Pair[]): BenchRow[] => {
  const { looked, decisions, rows } = pairs[0]!.on
  const of = (seconds: (pair: Pair) => number): string => {
    const values = pairs.map((pair) => perMillion(seconds(pair)))
    return `${median(values).toFixed(1)} (${spread(values, 1)})`
  }
  // Whatever the noise, the median lies between the least and the greatest of n values with probability 1 − 2^(1 − n).
  const sure = `${(100 * (1 - 2 ** (1 - pairs.length))).toFixed(0)} % interval of the median, by signs`
  const conditions = `${pairs.length} recordings of the demo's ${EVENTS} events, each by an engine without monitoring and then read by monitoring alone from memory, ${TURNS} times with and ${TURNS} without by turns; it looked at ${looked} events (the bulk is bounded a second) and ${decisions} decisions and found ${rows} rows; inserting them, and fairness and performance over tables, are not in; ${machineLine()}`
  const row = (name: string, unit: string, values: readonly number[], digits: number, figures: string): BenchRow => ({
    name: `monitoring.share.${name}`,
    value: median(values),
    unit,
    peer: null,
    peerValue: null,
    ratio: null,
    conditions: `${spread(values, digits)}: ${sure}; ${figures}; ${conditions}`,
  })
  const cpu = `CPU-s a million events: monitoring ${of((pair) => pair.cpuS)}, engine ${of((pair) => pair.engineCpuS)}, warehouse process ${of((pair) => pair.warehouseCpuS)}`
  const megabytes = pairs.map(({ bytes }) => bytes / 1e6)
  return [
    row('cpu', '% of the CPU time of an event, engine and warehouse process (at most 3)', pairs.map(shareOf), 1, cpu),
    row('memory', 'MB more resident (at most 50)', megabytes, 0, 'the process after its last event'),
  ]
}

export const shareBenches = async (scratch: string, runs: number, say: (line: string) => void): Promise<BenchRow[]> => {
  const pairs: Pair[] = []
  for (let run = 0; run < runs; run++) {
    const pair = await onePair(scratch, run)
    pairs.push(pair)
    say(
      `monitoring alone, recording ${run + 1}: ${shareOf(pair).toFixed(1)} % (CPU-s a million events: ${perMillion(pair.cpuS).toFixed(1)} of ${perMillion(pair.engineCpuS).toFixed(1)} engine and ${perMillion(pair.warehouseCpuS).toFixed(1)} warehouse process), ${(pair.bytes / 1e6).toFixed(0)} MB`,
    )
  }
  return rowsOf(pairs)
}
