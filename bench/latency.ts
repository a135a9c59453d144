/** Scheduled send → decision received over the live feed, at a fixed rate whatever the engine does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchContext } from './bench-context.ts'
import { type BenchRow, median } from './bench-row.ts'
import { startEngine } from './engine-process.ts'
import { forked } from './forked.ts'
import type { LoadRequest, LoadResult } from './load-generator.ts'
import { machineLine } from './machine.ts'
import type { OpenLoopRequest, OpenLoopResult } from './open-loop-client.ts'

const EVENTS_PER_S = 3_000
const APPLICATION_EVERY = 10
const CONNECTIONS = 32
const WARM_S = 5
const TARGETS_MS = { p50: 2, p99: 8, p999: null } as const

interface Measured extends OpenLoopResult {
  /** Share of the time in which the engine was ready to run and had no core: a crowded machine, not the engine, then makes the tail. */
  readonly waitedShare: number
}

const measure = async (context: BenchContext): Promise<Measured> => {
  const dataDir = mkdtempSync(join(context.scratch, 'latency-'))
  const [filler, client] = [forked('load-generator.ts'), forked('open-loop-client.ts')]
  try {
    const engine = await startEngine({ dataDir, modelsDir: context.modelsDir })
    try {
      await filler.ask<LoadResult>({
        http: engine.http,
        kind: 'history',
        connections: 4,
        linesPerBody: 512,
        seconds: null,
      } satisfies LoadRequest)
      while ((await engine.metric('scorestream_warehouse_lag_records')) > 0) await new Promise((resolve) => setTimeout(resolve, 200))
      const before = engine.usage()
      const result = await client.ask<OpenLoopResult>({
        http: engine.http,
        eventsPerSecond: EVENTS_PER_S,
        applicationEvery: APPLICATION_EVERY,
        warmSeconds: WARM_S,
        seconds: context.seconds,
        connections: CONNECTIONS,
      } satisfies OpenLoopRequest)
      const after = engine.usage()
      return { ...result, waitedShare: (after.engineWaitS - before.engineWaitS) / (context.seconds + WARM_S) }
    } finally {
      await engine.end()
    }
  } finally {
    filler.close()
    client.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** `latency.p50`, `latency.p99`, `latency.p999`, milliseconds. @throws Error where a decision never arrived. */
export const latencyBenches = async (context: BenchContext): Promise<BenchRow[]> => {
  const runs: Measured[] = []
  for (let run = 0; run < context.runs; run++) {
    const result = await measure(context)
    if (result.missing > 0)
      throw new Error(`${result.missing} of ${result.missing + result.decisions} decisions never arrived over the feed`)
    runs.push(result)
    context.say(`latency, run ${run + 1}: p50 ${result.p50} ms, p99 ${result.p99} ms, p99.9 ${result.p999} ms, most ${result.max} ms`)
  }
  const middle = (key: keyof Measured): number => median(runs.map((one) => one[key]))
  return (['p50', 'p99', 'p999'] as const).map((key) => ({
    name: `latency.${key}`,
    value: middle(key),
    unit: 'ms',
    peer: null,
    peerValue: null,
    ratio: null,
    conditions:
      `open loop: ${EVENTS_PER_S / APPLICATION_EVERY} applications/s amid ${EVENTS_PER_S} events/s, one event a POST over ${CONNECTIONS} kept-alive connections, evenly spaced; ` +
      `from the scheduled send to the decision in the WebSocket client, coordinated omission counted; median of ${runs.length} runs of ${context.seconds} s; ` +
      `${middle('decisions')} decisions a run, none missing; most ${middle('max')} ms; the client itself sent ${middle('sendLateP50')} ms late (p50), ${middle('sendLateP99')} ms (p99), included; ` +
      `the engine was ready to run and had no core for ${(middle('waitedShare') * 100).toFixed(1)} % of the time; ${TARGETS_MS[key] === null ? 'no bound' : `bound ${TARGETS_MS[key]} ms`}; no peer: the Python pipeline has no network and no feed; durability process-kill, warehouse on, fixed 300-tree model; ` +
      `client, engine and warehouse share the machine; not shown: networks, TLS, bursts; ${machineLine()}`,
  }))
}
