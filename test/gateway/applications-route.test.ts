import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Gateway } from '#gateway/server.ts'
import { application, payment, post, reported, serve, SmallEngine } from './small-engine.ts'

let engine: SmallEngine
let gateway: Gateway
beforeEach(async () => {
  engine = new SmallEngine()
  gateway = await serve(engine)
})
afterEach(() => gateway.close())

const send = (event: object, query = '') => post(`${gateway.url}/v1/applications${query}`, JSON.stringify(event))

test('an application is answered with its decision in the public shape', async () => {
  const event = application()
  const response = await send(event)
  expect(response.status).toBe(200)
  const decision = (await response.json()) as { decisionId: string }
  expect(decision).toMatchObject({ applicantId: 'client-1', decision: 'approve', probability: 0.125, score: 612, degraded: null })
  expect(Object.keys(decision)).toEqual(
    expect.arrayContaining([
      'modelVersion',
      'policyVersion',
      'featureSetHash',
      'margin',
      'base',
      'reasons',
      'stages',
      'eventTime',
      'applicationId',
    ]),
  )
  const found = await fetch(`${gateway.url}/v1/decisions/${decision.decisionId}`)
  expect(await found.json()).toEqual(decision)
  const capsule = (await (await fetch(`${gateway.url}/v1/decisions/${decision.decisionId}?capsule=true`)).json()) as {
    body: { vector: unknown[] }
  }
  expect(capsule.body.vector).toEqual([1, null, 3])
})

test('a retry of a decided application gets the original decision', async () => {
  const event = application()
  const first = await (await send(event)).json()
  const again = await send(event)
  expect(again.status).toBe(200)
  expect(await again.json()).toEqual(first)
  expect(engine.log.end('decisions').reduce((a, b) => a + b)).toBe(3 + 1)
})

test('at the deadline it is 202 with a Location, where the decision is found later', async () => {
  engine.decideAfterMs = 100
  const response = await send(application(), '?deadlineMs=10')
  expect(response.status).toBe(202)
  const location = response.headers.get('location') ?? ''
  expect(location).toMatch(/^\/v1\/decisions\/\d+-\d+$/)
  expect((await fetch(gateway.url + location)).status).toBe(404)
  await expect.poll(async () => (await fetch(gateway.url + location)).status).toBe(200)
  expect(engine.waiting).toBe(0)
})

test('more waiters than places get 503 with Retry-After, and nothing of them is ingested', async () => {
  engine.decideAfterMs = 200
  const events = Array.from({ length: engine.waitersMax + 3 }, () => application())
  const responses = await Promise.all(events.map((event) => send(event)))
  const refused = responses.filter(({ status }) => status === 503)
  expect(refused.length).toBe(3)
  expect(refused.every(({ headers }) => headers.get('retry-after') === '1')).toBe(true)
  expect(engine.log.end('credit-events').reduce((a, b) => a + b)).toBe(engine.waitersMax)
})

test.each(['0', '-1', 'soon', '30001', '1e3'])('deadlineMs=%s is refused with its range', async (value) => {
  const response = await send(application(), `?deadlineMs=${value}`)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'invalid-parameter', errors: [{ pointer: '?deadlineMs', value }] })
})

test('another kind of event is refused and dead-lettered', async () => {
  const response = await send(payment())
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({ code: 'schema-violation', errors: [{ pointer: '/kind', value: 'payment' }] })
  expect(engine.letters.length).toBe(1)
})

test('a caller who hangs up frees its place, and the application is decided all the same', async () => {
  engine.decideAfterMs = 150
  const body = JSON.stringify(application())
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write(
    `POST /v1/applications HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await expect.poll(() => engine.waiting).toBe(1)
  socket.destroy()
  await expect.poll(() => engine.waiting).toBe(0)
  await expect.poll(() => engine.decisions.size).toBe(1)
  expect(gateway.counters.inFlight).toBe(0)
  expect(reported).toEqual([])
})

test('a what-if is scored, its problems point into the application, and nothing is written', async () => {
  const { eventId: _e, kind: _k, producer: _p, applicationId: _a, ...hypothesis } = application()
  const ask = (body: unknown) => post(`${gateway.url}/v1/what-if`, typeof body === 'string' ? body : JSON.stringify(body))
  expect(await (await ask({ application: hypothesis })).json()).toMatchObject({ probability: 0.1 })
  expect(await (await ask({ application: { ...hypothesis, amount: 2e6 }, overlays: { x: null } })).json()).toMatchObject({
    probability: 0.5,
  })
  const wrong = await ask({ application: { ...hypothesis, amount: -1 } })
  expect(wrong.status).toBe(422)
  expect(await wrong.json()).toMatchObject({ errors: [{ pointer: '/application/amount' }] })
  for (const body of [
    '{',
    '[]',
    { application: 1 },
    { application: hypothesis, overlays: [1] },
    { application: hypothesis, overlays: { x: 'high' } },
  ])
    expect((await ask(body)).status).toBeGreaterThanOrEqual(400)
  expect((await ask({ application: hypothesis, overlays: { 'no.such.feature': 1 } })).status).toBe(422)
  expect((await ask({ application: hypothesis, surprise: 1 })).status).toBe(422)
  expect(engine.log.end('credit-events').reduce((a, b) => a + b)).toBe(0)
  expect(engine.letters).toEqual([])
})
