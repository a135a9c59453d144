/** `POST /v1/what-if`: reads state, overlays the hypothesis, scores, writes nothing. */
import type { HttpRequest } from 'uWebSockets.js'
import { EVENT_BYTES_MAX, eventOf } from '#schemas/parse-event.ts'
import type { Rejection } from '#schemas/rejection.ts'
import { shown } from '#schemas/violation.ts'
import { notAnApplication } from './applications-route.ts'
import { JSON_TYPE, type Exchange } from './exchange.ts'
import type { Engine } from './ports.ts'
import { problem, rejectionProblem } from './problem.ts'
import { mediaType, wholeBody } from './request-body.ts'

/** More than a feature set has features. */
const OVERLAYS_MAX = 1_000

const violation = (pointer: string, value: unknown, expected: string, remedy: string): Rejection => ({
  code: 'schema-violation',
  detail: `${pointer === '' ? 'the body' : pointer} must be ${expected}`,
  errors: [{ pointer, value: shown(value), expected, remedy }],
})

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** JSON pointer escapes (RFC 6901, section 3). */
const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

interface Hypothesis {
  readonly application: Record<string, unknown>
  /** NaN = missing. */
  readonly overlays: ReadonlyMap<string, number>
}

const readHypothesis = (bytes: Buffer): Hypothesis | Rejection => {
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { code: 'malformed-json', detail: 'the body is not valid JSON in UTF-8', errors: [] }
  }
  if (!isObject(document)) return violation('', document, 'an object {application, overlays?}', 'wrap the application as shown in /docs')
  for (const name of Object.keys(document))
    if (name !== 'application' && name !== 'overlays')
      return violation(`/${escape(name.slice(0, 64))}`, document[name], 'absent', 'only application and overlays are known')
  const { application, overlays = {} } = document
  if (!isObject(application)) return violation('/application', application, 'an application event', 'see the application schema in /docs')
  if (!isObject(overlays))
    return violation('/overlays', overlays, 'an object of feature name → number or null', 'see /v1/applicants/{id}/features')
  const entries = Object.entries(overlays)
  if (entries.length > OVERLAYS_MAX)
    return violation('/overlays', entries.length, `at most ${OVERLAYS_MAX} features`, 'overlay only the features that change')
  const values = new Map<string, number>()
  for (const [name, value] of entries) {
    if (value !== null && (typeof value !== 'number' || !Number.isFinite(value)))
      return violation(`/overlays/${escape(name.slice(0, 128))}`, value, 'a finite number, or null for missing', 'correct the value')
    values.set(name, value === null ? Number.NaN : value)
  }
  return { application, overlays: values }
}

export class WhatIfRoute {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async handle(exchange: Exchange, req: HttpRequest): Promise<void> {
    if (mediaType(req) !== JSON_TYPE) return exchange.problem(problem('unsupported-media-type', `send Content-Type: ${JSON_TYPE}`))
    const bytes = await wholeBody(exchange, exchange.body(EVENT_BYTES_MAX), EVENT_BYTES_MAX)
    if (bytes === undefined) return
    const hypothesis = readHypothesis(bytes)
    if ('code' in hypothesis) return exchange.problem(rejectionProblem(hypothesis))
    // The event that will never be sent needs no identity of its own.
    const event = { eventId: 'what-if', producer: 'what-if', applicationId: 'what-if', kind: 'application', ...hypothesis.application }
    const parsed = eventOf(event)
    if (parsed.kind === 'rejected') return exchange.problem(rejectionProblem(underApplication(parsed.rejection)))
    if (parsed.value.kind !== 'application')
      return exchange.problem(rejectionProblem(underApplication(notAnApplication(parsed.value.kind))))
    const outcome = await this.#engine.whatIf(parsed.value, hypothesis.overlays)
    if (outcome.kind === 'rejected') return exchange.problem(rejectionProblem(outcome.rejection))
    exchange.json(200, JSON.stringify(outcome.answer))
  }
}

const underApplication = (rejection: Rejection): Rejection => ({
  ...rejection,
  errors: rejection.errors.map((error) => ({ ...error, pointer: `/application${error.pointer}` })),
})
