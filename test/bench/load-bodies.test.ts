import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { parseEvent } from '#schemas/parse-event.ts'
import { HttpConnection } from '../../bench/http-connection.ts'
import { loadBodies, stamp } from '../../bench/load-bodies.ts'

const eventsIn = (bytes: Buffer) =>
  bytes
    .toString()
    .split('\n')
    .map((line) => {
      const parsed = parseEvent(Buffer.from(line))
      if (parsed.kind === 'rejected') throw new Error(parsed.rejection.detail)
      return parsed.value
    })

test('each lap sends valid events that were never sent before, about applicants of its own', () => {
  const [body] = loadBodies('behavioural', 64)
  const first = eventsIn(Buffer.from(stamp(body!, 0)))
  const second = eventsIn(Buffer.from(stamp(body!, 46_655)))
  expect(first).toHaveLength(64)
  const ids = [...first, ...second].map(({ eventId }) => eventId)
  expect(new Set(ids).size).toBe(128)
  expect(second[0]!.applicantId).not.toBe(first[0]!.applicantId)
})

test('applications are new each lap and about the applicants of the history', () => {
  const known = new Set(loadBodies('history', 512).flatMap(({ bytes }) => eventsIn(bytes).map(({ applicantId }) => applicantId)))
  const [body] = loadBodies('applications', 16)
  const laps = [0, 1].map((lap) => eventsIn(Buffer.from(stamp(body!, lap))))
  for (const event of laps.flat()) expect(known.has(event.applicantId)).toBe(true)
  expect(new Set(laps.flat().map(({ eventId }) => eventId)).size).toBe(32)
})

test('the connection carries one request after another and returns status and body', async () => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      response.writeHead(body === 'no' ? 503 : 202, { 'Content-Length': Buffer.byteLength(`got ${body}`) }).end(`got ${body}`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = await HttpConnection.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect(await connection.post('/', 'text/plain', Buffer.from('größe'))).toEqual({ status: 202, body: 'got größe' })
  expect(await connection.post('/', 'text/plain', Buffer.from('no'))).toEqual({ status: 503, body: 'got no' })
  connection.close()
  server.close()
})
