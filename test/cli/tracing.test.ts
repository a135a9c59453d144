/**
 * Traces as a collector receives them: OTLP/HTTP with JSON bodies, read by the protocol's own rules. The receiver is ours; the stack in
 * deploy/compose.yaml sends the same to Jaeger.
 */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parentOf } from '../../cli/tracing.ts'
import { startEngine, type EngineProcess } from '../crash/engine-process.ts'

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { key: string; value: { stringValue?: string; intValue?: number | string } }[]
}
interface Export {
  readonly resourceSpans: readonly { resource: { attributes: Span['attributes'] }; scopeSpans: readonly { spans: readonly Span[] }[] }[]
}

const folder = mkdtempSync(join(tmpdir(), 'scorestream-tracing-'))
let collector: Server
let endpoint: string
const exports: Export[] = []
let bodies = ''
beforeAll(async () => {
  collector = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    request.on('end', () => {
      bodies += text
      if (request.url === '/v1/traces' && request.headers['content-type'] === 'application/json') exports.push(JSON.parse(text) as Export)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`
})
afterAll(() => {
  collector.close()
  rmSync(folder, { recursive: true, force: true })
})

const spans = (): Span[] =>
  exports.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => [...scope.spans])))
const of = (span: Span, key: string): unknown => {
  const value = span.attributes.find((one) => one.key === key)?.value
  return value?.stringValue ?? (value?.intValue === undefined ? undefined : Number(value.intValue))
}

const decide = async ({ http }: EngineProcess, n: number, traceparent?: string): Promise<string> => {
  const response = await fetch(`${http}/v1/applications?deadlineMs=10000`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      eventId: `e${n}`,
      kind: 'application',
      applicantId: `tw-secret-${n}`,
      eventTime: '2005-09-14T08:30:00Z',
      producer: 'test',
      applicationId: `a${n}`,
      product: 'credit-line',
      amount: 987_654,
      currency: 'TWD',
      termMonths: 0,
      purpose: 'secret purpose',
      channel: 'online',
      ...(traceparent === undefined ? {} : { traceparent }),
    }),
  })
  expect(response.status).toBe(200)
  return ((await response.json()) as { decisionId: string }).decisionId
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const STAGES = ['queue', 'decode', 'load state', 'fold', 'score', 'explain', 'policy', 'publish']

describe('a decision', () => {
  test('whose event carries a sampled traceparent continues that trace, stage by stage; others are left out where the share is 0', async () => {
    const engine = await startEngine(join(folder, 'asked'), {
      environment: { SCORESTREAM_TRACING_ENDPOINT: endpoint, SCORESTREAM_TRACING_SHARE: '0' },
    })
    const traced = await decide(engine, 1, `00-${TRACE}-${CALLER}-01`)
    await decide(engine, 2, `00-${'a'.repeat(32)}-${CALLER}-00`)
    await decide(engine, 3)
    // What waits is sent when the engine ends.
    expect(await engine.end()).toBe(0)
    expect(new Set(spans().map(({ traceId }) => traceId))).toEqual(new Set([TRACE]))
    const whole = spans().find(({ name }) => name === 'decide') as Span
    expect(whole.parentSpanId).toBe(CALLER)
    expect(of(whole, 'scorestream.decision_id')).toBe(traced)
    expect(of(whole, 'scorestream.decision')).toMatch(/approve|refer|decline/)
    const stages = spans().filter(({ parentSpanId }) => parentSpanId === whole.spanId)
    expect(stages.map(({ name }) => name)).toEqual(STAGES)
    const [first] = stages as [Span]
    expect(first.startTimeUnixNano).toBe(whole.startTimeUnixNano)
    expect(stages.at(-1)?.endTimeUnixNano).toBe(whole.endTimeUnixNano)
    stages.slice(1).forEach((stage, i) => expect(stage.startTimeUnixNano).toBe(stages[i]?.endTimeUnixNano))
    const [resource] = exports.flatMap(({ resourceSpans }) => resourceSpans.map((one) => one.resource))
    expect(resource?.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'scorestream' } })
  }, 60_000)

  test('is traced by share without being asked, and no span says anything of a person', async () => {
    const before = spans().filter(({ name }) => name === 'decide').length
    const engine = await startEngine(join(folder, 'all'), {
      environment: { SCORESTREAM_TRACING_ENDPOINT: endpoint, SCORESTREAM_TRACING_SHARE: '1' },
    })
    for (let n = 0; n < 5; n++) await decide(engine, n)
    expect(await engine.end()).toBe(0)
    expect(spans().filter(({ name }) => name === 'decide')).toHaveLength(before + 5)
    for (const secret of ['tw-secret', 'secret purpose', '987654']) expect(bodies).not.toContain(secret)
  }, 60_000)

  test('is made and the engine ends in order where no collector answers', async () => {
    const engine = await startEngine(join(folder, 'nobody'), {
      environment: { SCORESTREAM_TRACING_ENDPOINT: 'http://127.0.0.1:9/v1/traces', SCORESTREAM_TRACING_SHARE: '1' },
    })
    await decide(engine, 1)
    expect(await engine.end()).toBe(0)
  }, 60_000)
})

test('a traceparent is taken by its specification: wrong forms and zeros are none', () => {
  expect(parentOf(undefined)).toBeUndefined()
  expect(parentOf('nonsense')).toBeUndefined()
  expect(parentOf(`00-${'0'.repeat(32)}-${CALLER}-01`)).toBeUndefined()
  expect(parentOf(`00-${TRACE}-${'0'.repeat(16)}-01`)).toBeUndefined()
  expect(parentOf(`00-${TRACE}-${CALLER}-01`)).toMatchObject({ sampled: true })
  expect(parentOf(`00-${TRACE}-${CALLER}-02`)).toMatchObject({ sampled: false })
})
