/**
 * What watching costs: the whole demo as fast as it goes, with monitoring and without, in turn. Both kinds of run are looked at over the same
 * stretch of wall time, so that what the processes do by the clock (their own metrics, the flushing of tables) is the same on both sides, and the
 * difference in CPU time is monitoring's alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchRow, median } from './bench-row.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { machineLine } from './machine.ts'

const EVENTS = 383_103
/** From the engine's first answer: the demo takes some 15 s, tables and monitoring a few more. */
const HORIZON_S = 32
/** Rendering the metrics takes turns from the engine: seldom enough not to show. */
const LOOK_MS = 200
/** Resident memory breathes with the collector: its median over the last seconds counts. */
const MEMORY_S = 4

interface Run {
  readonly eventsPerS: number
  readonly engineCpuUs: number
  readonly warehouseCpuUs: number
  readonly cpuUs: number
  readonly rssBytes: number
}

const behind = async (engine: EngineProcess): Promise<number> =>
  (await engine.metric('scorestream_warehouse_lag_records')) + (await engine.metric('scorestream_monitoring_lag_records'))

const oneRun = async (scratch: string, enabled: boolean): Promise<Run> => {
  const dataDir = mkdtempSync(join(scratch, 'monitored-'))
  const engine = await startEngine({
    dataDir,
    command: ['start', '--as-fast-as-possible'],
    environment: { SCORESTREAM_MONITORING_ENABLED: String(enabled) },
  })
  try {
    const before = engine.usage()
    const elapsedS = (): number => (performance.now() - before.atMs) / 1_000
    while ((await engine.metric('scorestream_events_total')) < EVENTS) {
      if (elapsedS() > HORIZON_S) throw new Error(`the demo did not end within ${HORIZON_S} s`)
      await sleep(LOOK_MS)
    }
    const foldedS = elapsedS()
    await sleep(Math.max(0, HORIZON_S - MEMORY_S - elapsedS()) * 1_000)
    const lag = await behind(engine)
    if (lag > 0) throw new Error(`tables or monitoring were ${lag} records behind ${HORIZON_S - MEMORY_S} s after the start`)
    const resident: number[] = []
    while (elapsedS() < HORIZON_S) {
      resident.push(engine.usage().warehouseRssBytes)
      await sleep(LOOK_MS)
    }
    const after = engine.usage()
    const us = (seconds: number): number => (seconds / EVENTS) * 1e6
    const [engineCpuUs, warehouseCpuUs] = [us(after.engineCpuS - before.engineCpuS), us(after.warehouseCpuS - before.warehouseCpuS)]
    return { eventsPerS: EVENTS / foldedS, engineCpuUs, warehouseCpuUs, cpuUs: engineCpuUs + warehouseCpuUs, rssBytes: median(resident) }
  } finally {
    await engine.end()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const spread = (values: readonly number[], digits: number): string =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`

const rowsOf = (on: readonly Run[], off: readonly Run[]): BenchRow[] => {
  const pairs = on.map((one, at) => [one, off[at]!] as const)
  const middle = (some: readonly Run[], key: keyof Run): number => median(some.map((run) => run[key]))
  const both = (key: keyof Run, digits: number): string =>
    `${middle(on, key).toFixed(digits)} on (${spread(
      on.map((run) => run[key]),
      digits,
    )}), ${middle(off, key).toFixed(digits)} off (${spread(
      off.map((run) => run[key]),
      digits,
    )})`
  /** Of neighbours: what the machine does to one it mostly does to the other. */
  const paired = (of: (watched: Run, unwatched: Run) => number, digits: number): { value: number; told: string } => {
    const values = pairs.map(([watched, unwatched]) => of(watched, unwatched))
    return { value: median(values), told: `median of ${values.length} pairs of neighbouring runs, ${spread(values, digits)}` }
  }
  const conditions = `the demo as fast as it goes, engine, warehouse and replay on one machine, ${HORIZON_S} s from the first answer in either kind of run; ${machineLine()}`
  const row = (name: string, unit: string, { value, told }: { value: number; told: string }, figures: string): BenchRow => ({
    name: `monitoring.cost.${name}`,
    value,
    unit,
    peer: 'monitoring off',
    peerValue: 0,
    ratio: null,
    conditions: `${told}; ${figures}; ${conditions}`,
  })
  const cpu = `µs of CPU an event: ${both('cpuUs', 1)}; engine ${both('engineCpuUs', 1)}; warehouse process ${both('warehouseCpuUs', 1)}`
  return [
    row(
      'cpu',
      '% more CPU time an event, all processes (at most 3)',
      paired((watched, unwatched) => 100 * (watched.cpuUs / unwatched.cpuUs - 1), 1),
      cpu,
    ),
    row(
      'throughput',
      '% of events/s lost (at most 3)',
      paired((watched, unwatched) => 100 * (1 - watched.eventsPerS / unwatched.eventsPerS), 1),
      `events/s: ${both('eventsPerS', 0)}`,
    ),
    row(
      'memory',
      'MB more (at most 50)',
      paired((watched, unwatched) => (watched.rssBytes - unwatched.rssBytes) / 1e6, 0),
      `resident bytes of the warehouse process at the end: ${both('rssBytes', 0)}`,
    ),
  ]
}

export const costBenches = async (scratch: string, runs: number, say: (line: string) => void): Promise<BenchRow[]> => {
  const on: Run[] = []
  const off: Run[] = []
  for (let run = 0; run < runs; run++)
    // Each goes first every other time: the machine's mood must not choose.
    for (const enabled of run % 2 === 0 ? [false, true] : [true, false]) {
      const measured = await oneRun(scratch, enabled)
      ;(enabled ? on : off).push(measured)
      say(
        `monitoring ${enabled ? 'on' : 'off'}, run ${run + 1}: ${measured.eventsPerS.toFixed(0)} events/s, CPU an event ${measured.engineCpuUs.toFixed(1)} µs engine, ${measured.warehouseCpuUs.toFixed(1)} µs warehouse process of ${(measured.rssBytes / 2 ** 20).toFixed(0)} MiB`,
      )
    }
  return rowsOf(on, off)
}
