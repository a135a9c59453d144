/**
 * The open-loop client of both parties, a process of its own: appends events at their scheduled times whatever happens, and reads the decisions'
 * topic, of transactions only what is committed. Latency counts from the scheduled time, so that a stall is charged to every event it delayed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { silentLogger } from '#streams/logger.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { latencyHistogram, nowNs } from '../latency-clock.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { newEvents, recordOf } from './load.ts'
import type { Wire } from './party.ts'

export interface OpenLoopRequest {
  readonly broker: string
  readonly topicPrefix: string
  readonly wire: Wire
  readonly partitions: number
  /** Part of each event's id: no run repeats another's events. */
  readonly run: string
  readonly eventsPerSecond: number
  readonly applicationEvery: number
  readonly warmSeconds: number
  readonly seconds: number
  /** Longest wait for decisions after the last event. */
  readonly drainSeconds: number
}

export interface OpenLoopResult {
  readonly decisions: number
  readonly missing: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** How late the client itself was, ms: part of every latency above. */
  readonly sendLateP99: number
  /** Probability of bad of each decision, by the event's place in the run. */
  readonly probabilities: Readonly<Record<string, number>>
}

const NAP_MS_MAX = 0.5
const TIMER_FROM_MS = 2
const US_MAX = 60_000_000
const READ_COMMITTED = 1

interface Arrival {
  readonly atNs: number
  readonly probability: number
}

const decisionIn = (value: Buffer): { readonly eventId: string; readonly probability: number } | undefined => {
  if (value[0] === 0x7b) return JSON.parse(value.toString()) as { eventId: string; probability: number }
  const found = decodeDecisionRecord(value)
  return found.kind === 'decision' ? { eventId: found.decision.body.eventId, probability: found.decision.body.probability } : undefined
}

const listen = async ({ broker, topicPrefix }: OpenLoopRequest, arrivals: Map<string, Arrival>): Promise<() => Promise<void>> => {
  const consumer = new Consumer({ groupId: `open-loop-${process.pid}`, clientId: 'open-loop', bootstrapBrokers: [broker] })
  const stream = await consumer.consume({
    topics: [`${topicPrefix}decisions`],
    mode: 'latest',
    autocommit: false,
    isolationLevel: READ_COMMITTED,
    minBytes: 1,
    maxWaitTime: 500,
    highWaterMark: 4_096,
  })
  stream.on('data', (message) => {
    const atNs = nowNs()
    const decision = decisionIn(message.value)
    // A decision that is repeated counts when it came first.
    if (decision !== undefined && !arrivals.has(decision.eventId))
      arrivals.set(decision.eventId, { atNs, probability: decision.probability })
  })
  return async () => {
    await stream.close()
    await consumer.close()
  }
}

const run = async (request: OpenLoopRequest): Promise<OpenLoopResult> => {
  const {
    broker,
    topicPrefix,
    wire,
    partitions,
    run: name,
    eventsPerSecond,
    applicationEvery,
    warmSeconds,
    seconds,
    drainSeconds,
  } = request
  const log = await openKafkaLog({ settings: kafkaSettings(broker, topicPrefix), partitions, logger: silentLogger })
  const arrivals = new Map<string, Arrival>()
  const deafen = await listen(request, arrivals)
  const events = newEvents(applicationEvery, name)
  const due: [eventId: string, scheduledNs: number][] = []
  const late = latencyHistogram()
  let failure: unknown
  const startNs = nowNs() + 200e6
  const total = Math.floor((warmSeconds + seconds) * eventsPerSecond)
  const nap = new Int32Array(new SharedArrayBuffer(4))
  for (let sent = 0; sent < total;) {
    const scheduled = startNs + (sent * 1e9) / eventsPerSecond
    const aheadMs = (scheduled - nowNs()) / 1e6
    if (aheadMs > 0) {
      if (aheadMs > TIMER_FROM_MS) await sleep(1)
      else {
        Atomics.wait(nap, 0, 0, Math.min(NAP_MS_MAX, aheadMs))
        await new Promise(setImmediate)
      }
      continue
    }
    const { event, decided } = events.next().value as { event: Parameters<typeof recordOf>[0]; decided: string | undefined }
    if (sent >= warmSeconds * eventsPerSecond) {
      if (decided !== undefined) due.push([decided, scheduled])
      late.recordValue(Math.max(1, Math.round((nowNs() - scheduled) / 1000)))
    }
    log.append('credit-events', [recordOf(event, wire)]).catch((error: unknown) => (failure = error))
    if (failure !== undefined) throw failure
    sent++
  }
  for (const deadline = performance.now() + drainSeconds * 1000; performance.now() < deadline && due.some(([id]) => !arrivals.has(id));)
    await sleep(50)
  await deafen()
  await log.close()
  return resultOf(due, arrivals, late.getValueAtPercentile(99) / 1000)
}

const resultOf = (due: readonly [string, number][], arrivals: ReadonlyMap<string, Arrival>, sendLateP99: number): OpenLoopResult => {
  const histogram = latencyHistogram()
  const probabilities: Record<string, number> = {}
  let missing = 0
  for (const [id, scheduled] of due) {
    const arrival = arrivals.get(id)
    if (arrival === undefined) missing++
    else {
      histogram.recordValue(Math.min(US_MAX, Math.max(1, Math.round((arrival.atNs - scheduled) / 1000))))
      probabilities[id.slice(id.lastIndexOf('-'))] = arrival.probability
    }
  }
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000
  return { decisions: due.length - missing, missing, p50: at(50), p99: at(99), max: at(100), sendLateP99, probabilities }
}

process.on('message', ({ id, request }: { readonly id: number; readonly request: OpenLoopRequest }) => {
  run(request).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
