/** `POST /v1/events`: one event as JSON, or many as NDJSON with one result a line. */
import type { HttpRequest } from 'uWebSockets.js'
import { parseEvent } from '#schemas/parse-event.ts'
import type { GatewayCounters } from './counters.ts'
import type { Exchange } from './exchange.ts'
import { ingestLines } from './ndjson.ts'
import type { Engine } from './ports.ts'
import { problem, rejectionProblem } from './problem.ts'
import { receiptJson } from './receipt.ts'
import { mediaType, wholeBody } from './request-body.ts'
import type { GatewayLimits } from './settings.ts'

export class EventsRoute {
  readonly #engine: Engine
  readonly #limits: GatewayLimits
  readonly #counters: GatewayCounters

  constructor(engine: Engine, limits: GatewayLimits, counters: GatewayCounters) {
    this.#engine = engine
    this.#limits = limits
    this.#counters = counters
  }

  handle(exchange: Exchange, req: HttpRequest): Promise<void> | void {
    switch (mediaType(req)) {
      case 'application/json':
        return this.#one(exchange)
      case 'application/x-ndjson':
      case 'application/ndjson':
        return this.#many(exchange)
      default:
        exchange.problem(
          problem('unsupported-media-type', 'send Content-Type: application/json, or application/x-ndjson for one event a line'),
        )
    }
  }

  async #one(exchange: Exchange): Promise<void> {
    const { bodyBytesMax } = this.#limits
    const bytes = await wholeBody(exchange, exchange.body(bodyBytesMax), bodyBytesMax, this.#engine)
    if (bytes === undefined) return
    const parsed = parseEvent(bytes)
    if (parsed.kind === 'rejected') {
      this.#counters.events.rejected++
      await this.#engine.deadLetter(bytes, parsed.rejection)
      return exchange.problem(rejectionProblem(parsed.rejection))
    }
    const [result] = await this.#engine.ingest([{ event: parsed.value, bytes }])
    if (result === undefined) throw new Error('ingest gave no result for an event')
    this.#counters.events[result.status]++
    switch (result.status) {
      case 'accepted':
        return exchange.json(202, receiptJson(parsed.value.eventId, result))
      case 'duplicate':
        return exchange.json(200, receiptJson(parsed.value.eventId, result))
      case 'conflict':
      case 'rejected':
        return exchange.problem(rejectionProblem(result.rejection))
    }
  }

  async #many(exchange: Exchange): Promise<void> {
    const { bodyBytesMax } = this.#limits
    const bytes = await wholeBody(exchange, exchange.body(bodyBytesMax), bodyBytesMax, this.#engine)
    if (bytes === undefined) return
    const outcome = await ingestLines(this.#engine, bytes, this.#counters)
    if (outcome.stored === 0 && outcome.overloaded > 0)
      return exchange.problem(problem('overloaded', 'more is arriving than can be made durable; send again after the time in Retry-After'))
    const whole = outcome.refused === 0 && outcome.overloaded === 0
    exchange.send(whole ? 202 : 207, 'application/x-ndjson', outcome.lines, outcome.overloaded > 0 ? [['Retry-After', '1']] : [])
  }
}
