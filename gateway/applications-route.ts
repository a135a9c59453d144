/** `POST /v1/applications`: an application in, its decision out, or a place to look once the deadline has passed. */
import type { HttpRequest } from 'uWebSockets.js'
import { decisionId, type Decision } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { parseEvent } from '#schemas/parse-event.ts'
import type { GatewayCounters } from './counters.ts'
import { JSON_TYPE, type Exchange } from './exchange.ts'
import { DEADLINE_MS_MAX, type DecisionWaiter, type Engine, type Position } from './ports.ts'
import { problem, rejectionProblem } from './problem.ts'
import { publicDecision } from './public-decision.ts'
import { integerParameter, mediaType, wholeBody } from './request-body.ts'
import type { GatewayLimits } from './settings.ts'

export const notAnApplication = (kind: string) => ({
  code: 'schema-violation' as const,
  detail: 'only an application is decided',
  errors: [{ pointer: '/kind', value: kind, expected: 'application', remedy: 'send other kinds of event to /v1/events' }],
})

export class ApplicationsRoute {
  readonly #engine: Engine
  readonly #limits: GatewayLimits
  readonly #counters: GatewayCounters

  constructor(engine: Engine, limits: GatewayLimits, counters: GatewayCounters) {
    this.#engine = engine
    this.#limits = limits
    this.#counters = counters
  }

  async handle(exchange: Exchange, req: HttpRequest): Promise<void> {
    const deadlineMs = integerParameter(exchange, req, 'deadlineMs', {
      minimum: 1,
      maximum: DEADLINE_MS_MAX,
      absent: this.#limits.deadlineMsDefault,
    })
    if (deadlineMs === undefined) return
    if (mediaType(req) !== JSON_TYPE) return exchange.problem(problem('unsupported-media-type', `send Content-Type: ${JSON_TYPE}`))
    const { bodyBytesMax } = this.#limits
    const bytes = await wholeBody(exchange, exchange.body(bodyBytesMax), bodyBytesMax, this.#engine)
    if (bytes === undefined) return
    const parsed = parseEvent(bytes)
    const rejection =
      parsed.kind === 'rejected' ? parsed.rejection : parsed.value.kind === 'application' ? undefined : notAnApplication(parsed.value.kind)
    if (parsed.kind === 'rejected' || parsed.value.kind !== 'application') {
      this.#counters.events.rejected++
      if (rejection === undefined) throw new Error('a rejected event without its rejection')
      await this.#engine.deadLetter(bytes, rejection)
      return exchange.problem(rejectionProblem(rejection))
    }
    return this.#decide(exchange, parsed.value, bytes, deadlineMs)
  }

  async #decide(exchange: Exchange, event: ApplicationEvent, bytes: Buffer, deadlineMs: number): Promise<void> {
    const waiter = this.#engine.waitForDecision(event, deadlineMs)
    if (waiter === undefined)
      return exchange.problem(
        problem('overloaded', 'too many callers are waiting for a decision; send again, or use /v1/events and the feed'),
      )
    exchange.onAbort(() => waiter.cancel())
    try {
      const [result] = await this.#engine.ingest([{ event, bytes }])
      if (result === undefined) throw new Error('ingest gave no result for an application')
      this.#counters.events[result.status]++
      if (result.status === 'conflict' || result.status === 'rejected') {
        return exchange.problem(rejectionProblem(result.rejection))
      }
      const decision = await this.#await(waiter, result.status, result.position)
      if (decision !== undefined) return exchange.json(200, JSON.stringify(publicDecision(decision)))
      this.#later(exchange, event, result.position)
    } finally {
      waiter.cancel()
    }
  }

  /** A retry of an application that was decided long ago finds its decision by position; one in flight is waited for like the first. */
  async #await(waiter: DecisionWaiter, status: 'accepted' | 'duplicate', position: Position | null): Promise<Decision | undefined> {
    if (status === 'duplicate' && position !== null) {
      const earlier = await this.#engine.findDecision(decisionId(position.partition, position.offset))
      if (earlier !== undefined) return earlier
    }
    return waiter.decision
  }

  #later(exchange: Exchange, event: ApplicationEvent, position: Position | null): void {
    if (position === null) throw new Error('an application without a position')
    const id = decisionId(position.partition, position.offset)
    const body = { status: 'pending', eventId: event.eventId, decisionId: id, detail: 'accepted; the decision will be at Location' }
    exchange.json(202, JSON.stringify(body), [
      ['Location', `/v1/decisions/${id}`],
      ['Retry-After', '1'],
    ])
  }
}
