/** What watching costs: the whole demo as fast as it goes, with monitoring and without, in turn. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchRow, median } from './bench-row.ts'
import { startEngine, type Usage } from './engine-process.ts'
import { machineLine } from './machine.ts'

const EVENTS = 383_103
const REPLAY_S_MAX = 300

interface Run {
  readonly eventsPerS: number
  readonly engineCpuUs: number
  readonly warehouseCpuUs: number
  readonly rssBytes: number
}

const oneRun = async (scratch: string, enabled: boolean): Promise<Run> => {
  const dataDir = mkdtempSync(join(scratch, 'monitored-'))
  const engine = await startEngine({
    dataDir,
    command: ['start', '--as-fast-as-possible'],
    environment: { SCORESTREAM_MONITORING_ENABLED: String(enabled) },
  })
  try {
    const began = performance.now()
    const until = async (done: () => Promise<boolean>): Promise<void> => {
      while (!(await done())) {
        if (performance.now() - began > REPLAY_S_MAX * 1_000) throw new Error(`the demo did not end within ${REPLAY_S_MAX} s`)
        await sleep(50)
      }
    }
    const folded = async (): Promise<boolean> => (await engine.metric('scorestream_events_total')) >= EVENTS
    await until(folded)
    const seconds = (performance.now() - began) / 1_000
    await until(
      async () =>
        (await engine.metric('scorestream_warehouse_lag_records')) + (await engine.metric('scorestream_monitoring_lag_records')) === 0,
    )
    const usage: Usage = engine.usage()
    return {
      eventsPerS: EVENTS / seconds,
      engineCpuUs: (usage.engineCpuS / EVENTS) * 1e6,
      warehouseCpuUs: (usage.warehouseCpuS / EVENTS) * 1e6,
      rssBytes: usage.warehouseRssBytes,
    }
  } finally {
    await engine.end()
    rmSync(dataDir, { recursive: true, force: true })
  }
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
  const middle = (some: readonly Run[], key: keyof Run): number => median(some.map((one) => one[key]))
  const range = (some: readonly Run[]): string => {
    const rates = some.map(({ eventsPerS }) => eventsPerS)
    return `${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`
  }
  const cpu = (some: readonly Run[]): number => median(some.map(({ engineCpuUs, warehouseCpuUs }) => engineCpuUs + warehouseCpuUs))
  const conditions = `median of ${runs} alternating runs of the demo as fast as it goes, engine, warehouse and replay on one machine; CPU an event: engine ${middle(on, 'engineCpuUs').toFixed(1)} µs on and ${middle(off, 'engineCpuUs').toFixed(1)} µs off, warehouse process ${middle(on, 'warehouseCpuUs').toFixed(1)} and ${middle(off, 'warehouseCpuUs').toFixed(1)}; ${machineLine()}`
  const [watched, unwatched] = [middle(on, 'eventsPerS'), middle(off, 'eventsPerS')]
  return [
    {
      name: 'monitoring.cost.throughput',
      value: 100 * (1 - watched / unwatched),
      unit: '% of events/s lost (at most 3)',
      peer: 'monitoring off',
      peerValue: 0,
      ratio: null,
      conditions: `${watched.toFixed(0)} events/s on (${range(on)}), ${unwatched.toFixed(0)} off (${range(off)}); ${conditions}`,
    },
    {
      name: 'monitoring.cost.cpu',
      value: 100 * (cpu(on) / cpu(off) - 1),
      unit: '% more CPU time an event, engine and warehouse process together',
      peer: 'monitoring off',
      peerValue: 0,
      ratio: null,
      conditions: `${cpu(on).toFixed(1)} µs on, ${cpu(off).toFixed(1)} off; the warehouse process stands behind the engine in the scheduler, so that most of it is taken from idle time; ${conditions}`,
    },
    {
      name: 'monitoring.cost.memory',
      value: (middle(on, 'rssBytes') - middle(off, 'rssBytes')) / 1e6,
      unit: 'MB more (at most 50)',
      peer: 'monitoring off',
      peerValue: 0,
      ratio: null,
      conditions: `resident memory of the warehouse process after the demo; ${conditions}`,
    },
  ]
}
