/** Resident memory of engine and warehouse together, after the whole demo and over a soak. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEMO_EVENTS } from './load-bodies.ts'
import type { BenchContext } from './bench-context.ts'
import type { BenchRow } from './bench-row.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { forked } from './forked.ts'
import type { LoadRequest } from './load-generator.ts'
import { machineLine } from './machine.ts'

const BOUND_BYTES = 1.1e9
const SAMPLE_S = 5
const SOAK_EVENTS_PER_S = 3_000
/** Share of the soak that fills caches and is not in the slope. */
const SETTLING = 0.3

const rssOf = (engine: EngineProcess): number => {
  const { engineRssBytes, warehouseRssBytes } = engine.usage()
  return engineRssBytes + warehouseRssBytes
}

interface Sample {
  readonly minute: number
  readonly rss: number
  readonly own: number
}

/** Least squares, MB a minute, and the range, MB. */
const course = (samples: readonly Sample[], of: 'rss' | 'own'): string => {
  const mean = (value: (sample: Sample) => number): number => samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length
  const [x, y] = [mean(({ minute }) => minute), mean((sample) => sample[of])]
  const down = samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0)
  const slope = down === 0 ? 0 : samples.reduce((sum, sample) => sum + (sample.minute - x) * (sample[of] - y), 0) / down
  const all = samples.map((sample) => sample[of] / 1e6)
  return `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)} MB, slope ${(slope / 1e6).toFixed(1)} MB/min`
}

const soak = async (engine: EngineProcess, minutes: number, say: BenchContext['say']): Promise<string> => {
  const generator = forked('load-generator.ts')
  try {
    const load = (kind: 'demo-behavioural' | 'demo-applications', perSecond: number) =>
      generator.ask({ http: engine.http, kind, connections: 1, linesPerBody: 16, seconds: minutes * 60, perSecond } satisfies LoadRequest)
    const loading = Promise.all([load('demo-behavioural', SOAK_EVENTS_PER_S * 0.9), load('demo-applications', SOAK_EVENTS_PER_S * 0.1)])
    const samples: Sample[] = []
    const began = performance.now()
    for (let minute = 0; minute < minutes; minute = (performance.now() - began) / 60_000) {
      const sample = { minute, rss: rssOf(engine), own: engine.usage().privateBytes }
      samples.push(sample)
      if (samples.length % 12 === 1)
        say(
          `soak: minute ${minute.toFixed(1)} of ${minutes}, ${(sample.rss / 1e6).toFixed(0)} MB, ${(sample.own / 1e6).toFixed(0)} of them private`,
        )
      await sleep(SAMPLE_S * 1000)
    }
    await loading
    const settled = samples.filter(({ minute }) => minute >= minutes * SETTLING)
    return (
      `soak of ${minutes} minutes at ${SOAK_EVENTS_PER_S} events/s of the demo's applicants, after the first ${SETTLING * 100} %: private memory (heaps, stacks) ${course(settled, 'own')}; ` +
      `with pages of files ${course(settled, 'rss')}: the state file grows while seven days' event ids of each applicant come to be kept, and its pages count as long as the kernel has no better use for them`
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
