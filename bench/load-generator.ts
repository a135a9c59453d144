/**
 * The load generator, a process of its own. Closed loop: each connection sends its next body when the last is answered, so what is in flight is
 * bounded by connections × lines; with `perSecond` it is paced. Requests and answers over the channel of `fork`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpConnection } from './http-connection.ts'
import { type LoadBody, loadBodies, type LoadKind, stamp } from './load-bodies.ts'

export interface LoadRequest {
  readonly http: string
  readonly kind: LoadKind
  readonly connections: number
  readonly linesPerBody: number
  /** Null sends one lap; ends earlier where it is told to stop. */
  readonly seconds: number | null
  readonly perSecond?: number
}

export interface LoadResult {
  readonly acknowledged: number
  readonly bytes: number
  readonly seconds: number
  /** Bodies sent again because the engine said that it was overloaded. */
  readonly overloaded: number
}

/** What the engine's Retry-After says: meanwhile it works off what it has, some seconds' worth. */
const OVERLOADED_WAIT_MS = 1_000

let stopping = false

const held = new Map<string, { bodies: LoadBody[]; next: number }>()

const bodiesOf = ({ kind, linesPerBody }: LoadRequest): { bodies: LoadBody[]; next: number } => {
  const key = `${kind} ${linesPerBody}`
  const found = held.get(key)
  if (found !== undefined) return found
  const made = { bodies: loadBodies(kind, linesPerBody), next: 0 }
  held.set(key, made)
  return made
}

const run = async (request: LoadRequest): Promise<LoadResult> => {
  const { http, connections, linesPerBody, seconds, perSecond } = request
  const stock = bodiesOf(request)
  stopping = false
  if (seconds === null) stock.next = 0
  const total = { acknowledged: 0, bytes: 0, overloaded: 0 }
  const contentType = linesPerBody === 1 ? 'application/json' : 'application/x-ndjson'
  const began = performance.now()
  const elapsedS = (): number => (performance.now() - began) / 1000
  const more = (): boolean => !stopping && (seconds === null ? stock.next < stock.bodies.length : elapsedS() < seconds)
  let taken = 0

  const sendAll = async (connection: HttpConnection): Promise<void> => {
    while (more()) {
      const at = stock.next++
      const body = stock.bodies[at % stock.bodies.length] as LoadBody
      taken += body.events
      if (perSecond !== undefined && taken > elapsedS() * perSecond) await sleep(Math.max(1, (taken / perSecond - elapsedS()) * 1000))
      const bytes = stamp(body, Math.floor(at / stock.bodies.length))
      for (;;) {
        const answer = await connection.post('/v1/events', contentType, bytes)
        if (answer.status === 202) break
        if (answer.status !== 503 && !answer.body.includes('"overloaded"'))
          throw new Error(`the engine answered ${answer.status}: ${answer.body.slice(0, 400)}`)
        total.overloaded++
        await sleep(OVERLOADED_WAIT_MS)
      }
      total.acknowledged += body.events
      total.bytes += bytes.length
    }
  }

  const open = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(http)))
  try {
    await Promise.all(open.map(sendAll))
  } finally {
    for (const connection of open) connection.close()
  }
  return { ...total, seconds: elapsedS() }
}

process.on(
  'message',
  (message: { readonly id: number; readonly request: LoadRequest | { readonly prepare: LoadRequest } | { readonly stop: true } }) => {
    const { id, request } = message
    if ('stop' in request) stopping = true
    const work = 'http' in request ? run(request) : Promise.resolve('prepare' in request ? bodiesOf(request.prepare).bodies.length : 0)
    work.then(
      (result) => process.send?.({ id, result }),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
    )
  },
)
process.on('disconnect', () => process.exit(0))
