import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { avroSchemaOf, avroTypeOf } from '#schemas/avro.ts'
import { CATALOG } from '#schemas/catalog.ts'
import { type Decision, DecisionSchema, FIRST_HASH } from '#schemas/decision.ts'
import { EVENT_SCHEMAS } from '#schemas/events.ts'
import { eventOf, eventToJson } from '#schemas/parse-event.ts'
import {
  capsuleHash,
  decodeBody,
  decodeDeadLetter,
  decodeDecisionRecord,
  decodeEvent,
  encodeBody,
  encodeClaim,
  encodeDeadLetter,
  encodeDecision,
  encodeEvent,
  eventKindOf,
  peekDecision,
  schemaIdOf,
} from '#schemas/wire.ts'
import { anyEvent, SAMPLES } from './sample-events.ts'
import { sampleDecision } from './sample-decision.ts'

const present = (event: object): object => Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined))

test('any event survives JSON → parse → Avro → decode → JSON unchanged', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const json = eventToJson(event)
      const parsed = eventOf(structuredClone(json))
      if (parsed.kind !== 'accepted' || parsed.value.kind === 'protected') throw new Error(JSON.stringify(parsed))
      const decoded = decodeEvent(encodeEvent(parsed.value))
      if (decoded.kind !== 'accepted') throw new Error(JSON.stringify(decoded))
      expect(present(decoded.value)).toEqual(present(event))
      expect(eventToJson(decoded.value)).toEqual(json)
    }),
    { numRuns: 500 },
  )
})

// Written by fastavro 1.12 from the published schemas: python test/fixtures/schemas/make_golden.py
test('the bytes are those another Avro library writes', () => {
  const golden = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/schemas/golden-events.json'), 'utf8')) as { hex: string }[]
  expect(golden).toHaveLength(SAMPLES.length)
  SAMPLES.forEach((event, index) => expect(Buffer.from(encodeEvent(event)).toString('hex')).toBe(golden[index]?.hex))
})

test('the fixture’s schemas are the published ones', () => {
  const fixture: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/schemas/schemas.json'), 'utf8'))
  expect(JSON.parse(JSON.stringify(CATALOG.map(({ id, schema }) => ({ id, avro: avroSchemaOf(schema) }))))).toEqual(fixture)
})

test('protected attributes have no schema in the log', () => {
  expect(CATALOG.some(({ schema }) => schema === (EVENT_SCHEMAS.protected as unknown))).toBe(false)
})

test('every schema id stands for one schema', () => {
  expect(new Set(CATALOG.map(({ id }) => id)).size).toBe(CATALOG.length)
})

test('foreign, truncated and overlong bytes are rejections, not exceptions', () => {
  const bytes = encodeEvent(SAMPLES[3]!)
  expect(eventKindOf(bytes)).toBe('payment')
  for (let length = 0; length < bytes.length; length++) expect(decodeEvent(bytes.subarray(0, length)).kind).toBe('rejected')
  expect(decodeEvent(Buffer.concat([bytes, Buffer.from([0])])).kind).toBe('rejected')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      decodeEvent(noise)
      decodeDecisionRecord(noise)
      decodeDeadLetter(noise)
    }),
  )
})

test('a decision survives the log, and its body is the record’s tail', () => {
  const decision: Decision = sampleDecision()
  const record = encodeDecision(decision)
  const facts = peekDecision(record)
  if (facts.kind !== 'decision') throw new Error('no decision')
  expect(facts).toMatchObject({ epoch: decision.epoch, partition: decision.body.partition, offset: decision.body.offset })
  const body = encodeBody(decision.body)
  expect(Buffer.compare(record.subarray(facts.bodyStart), body)).toBe(0)
  expect(decodeDecisionRecord(record)).toEqual({ kind: 'decision', decision })
  expect(decodeBody(body)).toEqual(decision.body)
  expect(capsuleHash(FIRST_HASH, body)).toBe(decision.capsuleHash)
})

test('the plain Avro codec writes the same decision', () => {
  const decision = sampleDecision()
  expect(Buffer.compare(encodeDecision(decision).subarray(5), avroTypeOf(DecisionSchema).toBuffer(decision))).toBe(0)
})

test('a claim is told from a decision without decoding', () => {
  const record = encodeClaim({ owner: 'host:42', claimedAt: 1 as never })
  expect(peekDecision(record)).toEqual({ kind: 'claim' })
  expect(decodeDecisionRecord(record)).toEqual({ kind: 'claim', claim: { owner: 'host:42', claimedAt: 1 } })
  expect(schemaIdOf(Buffer.from([1, 0, 0, 0, 3]))).toBe(-1)
})

test('a dead letter keeps the bytes it was given', () => {
  const letter = {
    code: 'malformed-json',
    detail: 'not JSON',
    source: 'http',
    partition: null,
    offset: null,
    receivedAt: 5 as never,
    errors: [],
    bytes: Buffer.from([0xff, 0, 0x7b]),
  }
  expect(decodeDeadLetter(encodeDeadLetter(letter))).toEqual({ kind: 'accepted', value: letter })
})
