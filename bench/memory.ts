/** Resident memory of engine and warehouse together, after the whole demo and over a soak. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEMO_EVENTS } from './load-bodies.ts'
import type { BenchContext } from './bench-context.ts'
import { type BenchRow, median } from './bench-row.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { forked } from './forked.ts'
import type { LoadRequest } from './load-generator.ts'
import { machineLine } from './machine.ts'

const BOUND_BYTES = 1.1e9
const SAMPLE_S = 5
const SOAK_EVENTS_PER_S = 3_000
/** Of a soak: heaps grow to what the load wants, and are not in the slope. */
const SETTLING_MINUTES = 2
/** A slope of private memory up to here passes for flat: a gigabyte would take half a day. */
const FLAT_MB_PER_MINUTE = 1

const rssOf = (engine: EngineProcess): number => {
  const { engineRssBytes, warehouseRssBytes } = engine.usage()
  return engineRssBytes + warehouseRssBytes
}

interface Sample {
  readonly minute: number
  readonly engine: number
  readonly warehouse: number
  readonly files: number
}

const sampleOf = (engine: EngineProcess, minute: number): Sample => {
  const { enginePrivateBytes, warehousePrivateBytes, engineRssBytes, warehouseRssBytes } = engine.usage()
  const files = engineRssBytes + warehouseRssBytes - enginePrivateBytes - warehousePrivateBytes
  return { minute, engine: enginePrivateBytes / 1e6, warehouse: warehousePrivateBytes / 1e6, files: files / 1e6 }
}

interface Course {
  readonly text: string
  readonly slope: number
  /** Twice the slope's standard error: less than that is not told from none. */
  readonly doubt: number
}

/** Least squares, MB a minute, through the minutes' medians: merges of the warehouse come and go within a minute. */
const courseOf = (samples: readonly Sample[], of: (sample: Sample) => number): Course => {
  const minutes = Map.groupBy(samples, ({ minute }) => Math.floor(minute))
  const points = [...minutes].map(([minute, some]) => [minute, median(some.map(of))] as const)
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const across = points.reduce((sum, [minute]) => sum + (minute - x) ** 2, 0)
  const slope = points.reduce((sum, [minute, value]) => sum + (minute - x) * (value - y), 0) / across
  const left = points.reduce((sum, [minute, value]) => sum + (value - y - slope * (minute - x)) ** 2, 0)
  const doubt = 2 * Math.sqrt(left / (points.length - 2) / across)
  const all = samples.map(of)
  const range = `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)} MB`
  return { text: `${range}, slope ${slope.toFixed(1)} ± ${doubt.toFixed(1)} MB/min`, slope, doubt }
}

const verdictOf = ({ slope, doubt }: Course): string => {
  if (slope <= FLAT_MB_PER_MINUTE) return 'flat'
  return slope <= doubt ? 'not told from flat' : 'NOT FLAT'
}

/** A shorter soak says nothing of a slope: five minutes, of which a line takes two. */
const SLOPE_MINUTES_MIN = SETTLING_MINUTES + 5

const soak = async (engine: EngineProcess, minutes: number, say: BenchContext['say']): Promise<string> => {
  const generator = forked('load-generator.ts')
  try {
    const load = (kind: 'demo-behavioural' | 'demo-applications', perSecond: number) =>
      generator.ask({ http: engine.http, kind, connections: 1, linesPerBody: 16, seconds: minutes * 60, perSecond } satisfies LoadRequest)
    const loading = Promise.all([load('demo-behavioural', SOAK_EVENTS_PER_S * 0.9), load('demo-applications', SOAK_EVENTS_PER_S * 0.1)])
    const samples: Sample[] = []
    const began = performance.now()
    for (let minute = 0; minute < minutes; minute = (performance.now() - began) / 60_000) {
      const sample = sampleOf(engine, minute)
      samples.push(sample)
      const each = `private ${sample.engine.toFixed(0)} MB in the engine, ${sample.warehouse.toFixed(0)} in the warehouse process`
      if (samples.length % 12 === 1) say(`soak: minute ${minute.toFixed(1)} of ${minutes}, ${each}; ${sample.files.toFixed(0)} MB of files`)
      await sleep(SAMPLE_S * 1000)
    }
    await loading
    if (minutes < SLOPE_MINUTES_MIN) return `a soak of ${minutes} minutes, too short for a slope (${SLOPE_MINUTES_MIN} are needed)`
    const settled = samples.filter(({ minute }) => minute >= SETTLING_MINUTES)
    const both = courseOf(settled, (sample) => sample.engine + sample.warehouse)
    say(`soak: private memory ${both.text}: ${verdictOf(both)}`)
    return (
      `soak of ${minutes} minutes at ${SOAK_EVENTS_PER_S} events/s of the demo's applicants, after the first ${SETTLING_MINUTES}, slopes through the minutes' medians with two standard errors: ` +
      `private memory (heaps, stacks) ${both.text}: ${verdictOf(both)}; of it the engine ${courseOf(settled, (sample) => sample.engine).text}, the warehouse process ${courseOf(settled, (sample) => sample.warehouse).text}; ` +
      `pages of files ${courseOf(settled, (sample) => sample.files).text}: the state file grows by the event ids of seven days (streams/README.md), and its pages count as long as the kernel has no better use for them`
    )
  } finally {
    generator.close()
  }
}

/** `memory.rss`, MB. */
export const memoryBench = async (context: BenchContext): Promise<BenchRow[]> => {
  const dataDir = mkdtempSync(join(context.scratch, 'memory-'))
  const modelsDir = mkdtempSync(join(context.scratch, 'models-'))
  try {
    // A copy: the soak's stream may ask for a successor, which is published beside the model in force.
    cpSync(join(import.meta.dirname, '../models'), modelsDir, { recursive: true })
    const engine = await startEngine({ dataDir, modelsDir, command: ['start', '--as-fast-as-possible'] })
    try {
      let peak = 0
      while (Number(await engine.query('SELECT count() FROM events')) < DEMO_EVENTS) {
        peak = Math.max(peak, rssOf(engine))
        await sleep(500)
      }
      const after = rssOf(engine)
      const { engineRssBytes } = engine.usage()
      context.say(`memory: ${(after / 1e6).toFixed(0)} MB after the demo, ${(peak / 1e6).toFixed(0)} MB at most`)
      const soaked = context.soakMinutes === 0 ? 'no soak in this run' : await soak(engine, context.soakMinutes, context.say)
      return [
        {
          name: 'memory.rss',
          value: after / 1e6,
          unit: 'MB',
          peer: null,
          peerValue: null,
          ratio: null,
          conditions: `engine (${(engineRssBytes / 1e6).toFixed(0)} MB) and warehouse process with chDB together, after the whole demo as fast as possible; ${(peak / 1e6).toFixed(0)} MB at most meanwhile; bound ${BOUND_BYTES / 1e6} MB; ${soaked}; no peer; shared pages count twice; ${machineLine()}`,
        },
      ]
    } finally {
      await engine.end()
    }
  } finally {
    for (const folder of [dataDir, modelsDir]) rmSync(folder, { recursive: true, force: true })
  }
}
