/** Resident memory of engine and warehouse together, after the whole demo and over a soak. */
import { mkdtempSync, rmSync } from 'node:fs'
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

/** Least squares, bytes a minute. */
const slope = (samples: readonly (readonly [minutes: number, bytes: number])[]): number => {
  const mean = (of: 0 | 1): number => samples.reduce((sum, sample) => sum + sample[of], 0) / samples.length
  const [x, y] = [mean(0), mean(1)]
  const down = samples.reduce((sum, [at]) => sum + (at - x) ** 2, 0)
  return down === 0 ? 0 : samples.reduce((sum, [at, bytes]) => sum + (at - x) * (bytes - y), 0) / down
}

const soak = async (engine: EngineProcess, minutes: number, say: BenchContext['say']): Promise<string> => {
  const generator = forked('load-generator.ts')
  try {
    const load = (kind: 'demo-behavioural' | 'demo-applications', perSecond: number) =>
      generator.ask({ http: engine.http, kind, connections: 1, linesPerBody: 16, seconds: minutes * 60, perSecond } satisfies LoadRequest)
    const loading = Promise.all([load('demo-behavioural', SOAK_EVENTS_PER_S * 0.9), load('demo-applications', SOAK_EVENTS_PER_S * 0.1)])
    const samples: [number, number][] = []
    const began = performance.now()
    for (let minute = 0; minute < minutes; minute = (performance.now() - began) / 60_000) {
      samples.push([minute, rssOf(engine)])
      if (samples.length % 12 === 1) say(`soak: minute ${minute.toFixed(1)} of ${minutes}, ${(samples.at(-1)![1] / 1e6).toFixed(0)} MB`)
      await sleep(SAMPLE_S * 1000)
    }
    await loading
    const settled = samples.filter(([minute]) => minute >= minutes * SETTLING)
    const bytes = settled.map(([, rss]) => rss / 1e6)
    return `soak of ${minutes} minutes at ${SOAK_EVENTS_PER_S} events/s: ${Math.min(...bytes).toFixed(0)} to ${Math.max(...bytes).toFixed(0)} MB after the first ${SETTLING * 100} %, slope ${(slope(settled) / 1e6).toFixed(2)} MB/min`
  } finally {
    generator.close()
  }
}

/** `memory.rss`, MB. */
export const memoryBench = async (context: BenchContext): Promise<BenchRow[]> => {
  const dataDir = mkdtempSync(join(context.scratch, 'memory-'))
  try {
    const engine = await startEngine({ dataDir, command: ['start', '--as-fast-as-possible'] })
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
    rmSync(dataDir, { recursive: true, force: true })
  }
}
