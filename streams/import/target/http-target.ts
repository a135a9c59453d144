/** An engine's `POST /v1/events`: NDJSON in, one answer a line. */
import { setTimeout as delay } from 'node:timers/promises'
import { ImportFault } from '../import-fault.ts'
import type { Delivery, EventBatch, EventTarget } from './event-target.ts'

/** Some 150 KB: an answer within milliseconds, far below what the gateway takes. */
const BATCH_EVENTS = 512
/** An engine that restarts is back within this; then the import stops and can go on later. */
const ATTEMPTS_MAX = 30
const RETRY_MS_MAX = 5_000

interface Answer {
  readonly line: number
  readonly status: 'accepted' | 'duplicate' | 'conflict' | 'rejected' | 'overloaded'
  readonly problem?: { readonly code?: string; readonly detail?: string; readonly errors?: readonly { readonly pointer?: string }[] }
}

type Sent =
  | { readonly kind: 'answered'; readonly answers: readonly Answer[] }
  | { readonly kind: 'later'; readonly afterMs: number; readonly why: string }

const refusedAltogether = (url: string, status: number, body: string): ImportFault => {
  const remedy =
    status === 401 || status === 403
      ? 'name a file of tokens with a producer or operator in gateway.tokensFile of the configuration'
      : 'look whether the address is that of an engine'
  return new ImportFault(
    'import-target',
    `${url} answered ${status}: ${body.slice(0, 200)}; ${remedy}. The import goes on from here with --resume`,
  )
}

/** What `fetch` says is “fetch failed”; what failed stands in its cause. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'it is away'
  return error.cause instanceof Error ? error.cause.message : error.message
}

export const httpTarget = (url: string, token: string | undefined): EventTarget => {
  const address = `${url.replace(/\/$/, '')}/v1/events`
  const headers = { 'content-type': 'application/x-ndjson', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  let delivered = 0

  const post = async (lines: Buffer): Promise<Sent> => {
    let response: Response
    try {
      response = await fetch(address, { method: 'POST', headers, body: lines.toString('utf8') })
    } catch (cause) {
      return { kind: 'later', afterMs: 1_000, why: reasonOf(cause) }
    }
    const body = await response.text()
    if (response.status === 503)
      return { kind: 'later', afterMs: 1_000 * Number(response.headers.get('retry-after') ?? 1), why: 'it is overloaded' }
    if (response.status !== 202 && response.status !== 207) throw refusedAltogether(address, response.status, body)
    return {
      kind: 'answered',
      answers: body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Answer),
    }
  }

  const deliver = async (events: EventBatch): Promise<Delivery> => {
    const counts = { accepted: 0, duplicates: 0 }
    const refused: { index: number; code: string; detail: string }[] = []
    let from = 0
    for (let attempt = 1; from < events.count;) {
      const sent = await post(events.lines(from))
      const answers = sent.kind === 'answered' ? sent.answers : []
      const first = from
      for (const { line, status, problem } of answers) {
        // From the first overloaded line on, none was tried: those are sent again, in order.
        if (status === 'overloaded') break
        from = first + line
        if (status === 'accepted') counts.accepted++
        else if (status === 'duplicate') counts.duplicates++
        else refused.push({ index: first + line - 1, code: problem?.code ?? status, detail: problem?.detail ?? 'no detail' })
      }
      if (from > first) attempt = 1
      if (from === events.count) break
      if (attempt++ === ATTEMPTS_MAX)
        throw new ImportFault(
          'import-target',
          `${address} does not take events${sent.kind === 'later' ? ` (${sent.why})` : ''}; the import goes on from here with --resume`,
        )
      await delay(sent.kind === 'later' ? Math.min(RETRY_MS_MAX, sent.afterMs) : 200)
    }
    delivered += events.count
    return { ...counts, refused }
  }

  return { batchEvents: BATCH_EVENTS, deliver, position: () => delivered, complete: async () => {}, close: async () => {} }
}
