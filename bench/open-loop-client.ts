/**
 * The open-loop client, a process of its own: sends single events at their scheduled times whatever the engine does, and takes decisions
 * from the WebSocket feed. Latency counts from the scheduled time, so that a stall is charged to every event it delayed (no coordinated omission).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Arrivals } from './feed-receiver.ts'
import { latencyHistogram, nowNs } from './latency-clock.ts'
import { HttpConnection } from './http-connection.ts'
import { loadBodies, stamp, type LoadBody } from './load-bodies.ts'
import { Sender, untilDue } from './open-loop-sender.ts'

export interface OpenLoopRequest {
  readonly http: string
  readonly eventsPerSecond: number
  /** Every how manieth event is an application. */
  readonly applicationEvery: number
  /** Sent and decided but not counted. */
  readonly warmSeconds: number
  readonly seconds: number
  readonly connections: number
}

export interface OpenLoopResult extends Arrivals {
  /** How late the client itself was in sending, ms: part of every latency above. */
  readonly sendLateP50: number
  readonly sendLateP99: number
}

const DRAIN_MS = 5_000

const idOf = (body: Buffer): string => /"applicationId":"([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? ''

const run = async (request: OpenLoopRequest): Promise<OpenLoopResult> => {
  const { http, eventsPerSecond, applicationEvery, warmSeconds, seconds, connections } = request
  const stock = { applications: loadBodies('applications', 1), behavioural: loadBodies('behavioural', 1) }
  const worker = new Worker(new URL('feed-receiver.ts', import.meta.url), { workerData: { feed: `${http.replace('http', 'ws')}/v1/feed` } })
  const fromWorker = <Message>(): Promise<Message> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  await fromWorker()
  const open = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(http)))
  const sender = new Sender([...open])
  const periodNs = 1e9 / eventsPerSecond
  const total = Math.floor((warmSeconds + seconds) * eventsPerSecond)
  const startNs = nowNs() + 50e6
  const late = latencyHistogram()
  const due: [string, number][] = []
  const taken = { applications: 0, behavioural: 0 }
  const nextOf = (kind: keyof typeof stock): Buffer => {
    const n = taken[kind]++
    const bodies = stock[kind]
    // A copy: the same body may still wait for a connection when its next lap is stamped.
    return Buffer.from(stamp(bodies[n % bodies.length] as LoadBody, Math.floor(n / bodies.length)))
  }
  for (let sent = 0; sent < total;) {
    const scheduled = startNs + sent * periodNs
    await untilDue(scheduled)
    const isApplication = sent % applicationEvery === 0
    const body = nextOf(isApplication ? 'applications' : 'behavioural')
    const counts = sent >= warmSeconds * eventsPerSecond
    if (isApplication && counts) due.push([idOf(body), scheduled])
    if (counts) late.recordValue(Math.max(1, Math.round((nowNs() - scheduled) / 1000)))
    sender.send('application/json', body)
    if (sender.failure !== undefined) throw sender.failure
    sent++
  }
  await sleep(DRAIN_MS)
  const answer = fromWorker<Arrivals>()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  worker.postMessage(due)
  const result = await answer
  await worker.terminate()
  for (const connection of open) connection.close()
  return { ...result, sendLateP50: late.getValueAtPercentile(50) / 1000, sendLateP99: late.getValueAtPercentile(99) / 1000 }
}

process.on('message', ({ id, request }: { readonly id: number; readonly request: OpenLoopRequest }) => {
  run(request).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
