/**
 * The open-loop client of `retraining.ts`, a process of its own: a portfolio whose clients change, each application with its history in one POST at
 * its scheduled time, outcomes as they mature, protected attributes of those that no model is fitted on. Sends until a successor has decided for a
 * while, and tells latencies before the request, during training and around the exchange.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { isHoldout } from '#registry/holdout.ts'
import type { ProducedEvent } from '#schemas/events.ts'
import type { ModelEvent } from '#schemas/monitoring-events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { driftSteps } from '#streams/demo/drift-stream.ts'
import { FindingFollower } from '../cli/drift-demo/findings.ts'
import type { Arrivals, Due } from './feed-receiver.ts'
import { HttpConnection } from './http-connection.ts'
import { nowNs } from './latency-clock.ts'
import { Sender, untilDue } from './open-loop-sender.ts'

export interface RetrainingRequest {
  readonly http: string
  readonly dataDir: string
  readonly partitions: number
  readonly applicationsPerSecond: number
  readonly connections: number
  /** Months of 1,500 clients before others apply. */
  readonly usualMonths: number
  /** Decisions of the first seconds are not counted. */
  readonly warmSeconds: number
  /** How long the successor decides before the end. */
  readonly tailSeconds: number
  /** Without a successor by then the run is given up. */
  readonly applicationsMax: number
}

/** Parts of the run, by what the engine did meanwhile. */
export const WINDOWS = ['before', 'training', 'swap', 'after'] as const
export type Window = (typeof WINDOWS)[number]

export interface RetrainingResult {
  readonly windows: Readonly<Record<Window, Arrivals>>
  /** From the request, s. */
  readonly trainedS: number
  readonly activatedS: number
  readonly modelVersion: string
  readonly gates: number
}

const DATA = join(import.meta.dirname, '../data/taiwan/taiwan-credit-default.csv.gz')
/** How often the topics are looked at. */
const LOOK_MS = 500
/** The exchange's window goes on this long: caches are cold. */
const SWAP_TAIL_MS = 2_000
const DRAIN_MS = 2_000

interface Body {
  readonly bytes: Buffer
  /** Absent where it is an outcome. */
  readonly applicationId: string | undefined
}

const lines = (events: readonly ProducedEvent[]): Buffer =>
  Buffer.from(events.map((event) => JSON.stringify(eventToJson(event))).join('\n'))

/** Serialised before the clock runs. */
const bodiesOf = ({ usualMonths, applicationsMax }: RetrainingRequest): Body[] => {
  const bodies: Body[] = []
  let applications = 0
  for (const step of driftSteps(readFileSync(DATA), [['usual', usualMonths]])) {
    if (applications === applicationsMax) break
    if (step.kind === 'outcome') {
      bodies.push({ bytes: lines([step.event]), applicationId: undefined })
      continue
    }
    applications++
    const { events, protectedEvent, applicationId } = step
    const told = isHoldout(protectedEvent.applicantId) ? [protectedEvent, ...events] : events
    bodies.push({ bytes: lines(told), applicationId })
  }
  return bodies
}

/** The newest event of each kind so far. */
type Seen = { [Kind in ModelEvent['kind']]?: Extract<ModelEvent, { kind: Kind }> }

/** Looks for model events until stopped; throws where the loop will not close any more. */
class Watch {
  readonly seen: Seen = {}
  readonly #follower: FindingFollower
  #timer: NodeJS.Timeout | undefined
  failure: Error | undefined

  constructor({ dataDir, partitions }: RetrainingRequest) {
    this.#follower = new FindingFollower(dataDir, partitions)
    this.#again()
  }
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#follower.close()
  }
  #again(): void {
    this.#timer = setTimeout(() => void this.#look().catch((error: Error) => (this.failure = error)), LOOK_MS)
  }
  async #look(): Promise<void> {
    for (const finding of await this.#follower.news()) {
      if (finding.kind !== 'model') continue
      const { event } = finding
      if (event.kind === 'model-refused' || event.kind === 'training-failed')
        throw new Error(`no successor took over: ${event.kind}, ${event.detail}`)
      Object.assign(this.seen, { [event.kind]: event })
    }
    this.#again()
  }
}

const send = async (request: RetrainingRequest, bodies: readonly Body[], watch: Watch): Promise<[string, number][]> => {
  const open = await Promise.all(Array.from({ length: request.connections }, () => HttpConnection.open(request.http)))
  const sender = new Sender([...open])
  const startNs = nowNs() + 50e6
  const periodNs = 1e9 / request.applicationsPerSecond
  const due: [string, number][] = []
  const done = (): boolean => {
    const activated = watch.seen['model-activated']
    return activated !== undefined && Date.now() > activated.activatedAt + request.tailSeconds * 1_000
  }
  for (const { bytes, applicationId } of bodies) {
    const failure = sender.failure ?? watch.failure
    if (failure !== undefined) throw failure
    if (applicationId === undefined) sender.send('application/json', bytes)
    else {
      const scheduled = startNs + due.length * periodNs
      await untilDue(scheduled)
      due.push([applicationId, scheduled])
      sender.send('application/x-ndjson', bytes)
      if (due.length % request.applicationsPerSecond === 0 && done()) break
    }
  }
  await new Promise((resolve) => setTimeout(resolve, DRAIN_MS))
  for (const connection of open) connection.close()
  return due
}

const run = async (request: RetrainingRequest): Promise<RetrainingResult> => {
  const bodies = bodiesOf(request)
  const worker = new Worker(new URL('feed-receiver.ts', import.meta.url), {
    workerData: { feed: `${request.http.replace('http', 'ws')}/v1/feed` },
  })
  const answer = <Message>(): Promise<Message> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  await answer()
  const watch = new Watch(request)
  // Both clocks once, so that model events can be laid beside latencies.
  const epochNs = nowNs() - Date.now() * 1e6
  try {
    const due = await send(request, bodies, watch)
    const { 'retrain-requested': requested, 'model-trained': trained, 'model-activated': activated } = watch.seen
    if (requested === undefined || trained === undefined || activated === undefined)
      throw new Error(`no successor within ${due.length} applications`)
    const edges = [requested.requestedAt, trained.trainedAt, activated.activatedAt + SWAP_TAIL_MS].map((at) => at * 1e6 + epochNs)
    const from = (due[0]?.[1] ?? 0) + request.warmSeconds * 1e9
    const windows: Partial<Record<Window, Arrivals>> = {}
    for (const [index, window] of WINDOWS.entries()) {
      const [low, high] = [edges[index - 1] ?? from, edges[index] ?? Infinity]
      const reply = answer<Arrivals>()
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      worker.postMessage(due.filter(([, at]) => at >= low && at < high) satisfies Due)
      windows[window] = await reply
    }
    return {
      windows: windows as Record<Window, Arrivals>,
      trainedS: (trained.trainedAt - requested.requestedAt) / 1_000,
      activatedS: (activated.activatedAt - requested.requestedAt) / 1_000,
      modelVersion: activated.modelVersion,
      gates: trained.gates.length,
    }
  } finally {
    await watch.close()
    await worker.terminate()
  }
}

process.on('message', ({ id, request }: { readonly id: number; readonly request: RetrainingRequest }) => {
  run(request).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
