/**
 * The receiving thread of the open-loop clients: notes when which decision came over the WebSocket feed, nothing else meanwhile; told
 * which applications were due when, it answers with the latencies, as often as it is asked.
 */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { parentPort, workerData } from 'node:worker_threads'
import WebSocket from 'ws'
import { latencyHistogram, nowNs } from './latency-clock.ts'

export interface Arrivals {
  /** Milliseconds from the scheduled send. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly decisions: number
  /** Applications whose decision did not come. */
  readonly missing: number
}

/** Application ids with their scheduled times, ns. */
export type Due = readonly (readonly [applicationId: string, scheduledNs: number])[]

const ID = Buffer.from('"applicationId":"')
const QUOTE = 0x22

const { feed } = workerData as { readonly feed: string }
const arrived = new Map<string, number>()
const socket = new WebSocket(feed, [])
socket.on('message', (data: Buffer) => {
  const at = nowNs()
  const found = data.indexOf(ID)
  if (found < 0) return
  const from = found + ID.length
  arrived.set(data.toString('latin1', from, data.indexOf(QUOTE, from)), at)
})
socket.on('open', () => parentPort?.postMessage('open'))
socket.on('error', (error) => {
  throw error
})

parentPort?.on('message', (due: Due) => {
  const latencies = latencyHistogram()
  let missing = 0
  for (const [id, scheduled] of due) {
    const at = arrived.get(id)
    if (at === undefined) missing++
    else latencies.recordValue(Math.max(1, Math.round((at - scheduled) / 1000)))
  }
  const ms = (percentile: number): number => latencies.getValueAtPercentile(percentile) / 1000
  const decisions = latencies.totalCount
  parentPort?.postMessage({
    p50: ms(50),
    p99: ms(99),
    p999: ms(99.9),
    max: latencies.maxValue / 1000,
    decisions,
    missing,
  } satisfies Arrivals)
})
