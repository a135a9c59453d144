import avsc from 'avsc'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { avroSchemaOf, avroTypeOf } from '#schemas/avro.ts'
import { CATALOG } from '#schemas/catalog.ts'
import { type Decision, DecisionBodySchema, DecisionSchema, FIRST_HASH } from '#schemas/decision.ts'
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
  sealDecision,
} from '#schemas/wire.ts'
import { decodeLinkedUpdate, encodeLinkedUpdate } from '#schemas/linked-wire.ts'
import type { Offset } from '#schemas/units.ts'
import { anyEvent, SAMPLES } from './sample-events.ts'
import { sampleBody, sampleDecision } from './sample-decision.ts'
import { LETTER, UPDATE } from './sample-records.ts'

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

test('a decision that linked entities bear on survives the log, and its readings are part of what is hashed', () => {
  const plain = sampleBody()
  const body = { ...plain, linked: [{ entity: 'device' as const, partition: 3, version: 41 as Offset }] }
  const decision = sampleDecision(body)
  const record = encodeDecision(decision)
  expect(decodeDecisionRecord(record)).toEqual({ kind: 'decision', decision })
  const facts = peekDecision(record)
  expect(facts).toMatchObject({ kind: 'decision', epoch: decision.epoch, partition: body.partition, offset: body.offset })
  expect(decision.capsuleHash).not.toBe(sampleDecision(plain).capsuleHash)
  expect(decision.capsuleHash).not.toBe(sampleDecision({ ...body, linked: [{ ...body.linked[0]!, version: 42 as Offset }] }).capsuleHash)
})

test('sealing a decision gives the bytes and the hash that its parts give, also of one larger than the buffer they share', () => {
  const plain = sampleBody()
  const linked = { ...plain, linked: [{ entity: 'device' as const, partition: 3, version: 41 as Offset }] }
  const large = { ...plain, vector: new Float32Array(300_000).fill(1.5), attributions: new Float64Array(300_000).fill(-0.25) }
  for (const body of [plain, linked, large, plain]) {
    const { capsuleHash: _, ...unsealed } = sampleDecision(body)
    const { decision, bytes } = sealDecision({ ...unsealed, previousHash: 'ab'.repeat(32) })
    expect(decision.capsuleHash).toBe(capsuleHash('ab'.repeat(32), encodeBody(body)))
    expect(bytes.equals(encodeDecision(decision))).toBe(true)
  }
})

test('a hash that is none is refused when it is written', () => {
  for (const bad of ['ab'.repeat(31), `${'ab'.repeat(31)}zz`, 7])
    expect(() => encodeBody({ ...sampleBody(), inputHash: bad as string })).toThrow(/expected 64 hexadecimal digits/)
})

test('a linked update survives the log; foreign and truncated bytes are rejections', () => {
  const bytes = encodeLinkedUpdate(UPDATE)
  expect(decodeLinkedUpdate(bytes)).toEqual({ kind: 'accepted', value: UPDATE })
  for (let length = 0; length < bytes.length; length++) expect(decodeLinkedUpdate(bytes.subarray(0, length)).kind).toBe('rejected')
  expect(decodeLinkedUpdate(encodeEvent(SAMPLES[0]!)).kind).toBe('rejected')
})

/** avsc as it comes, without our logical types: arrays of numbers and buffers. */
const plainType = avsc.Type.forSchema(avroSchemaOf(DecisionSchema) as unknown as avsc.Schema, { wrapUnions: false, registry: {} })
const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const plainForm = (decision: Decision): object => ({
  ...decision,
  previousHash: hex(decision.previousHash),
  capsuleHash: hex(decision.capsuleHash),
  body: {
    ...decision.body,
    inputHash: hex(decision.body.inputHash),
    bundleHash: hex(decision.body.bundleHash),
    featureSetHash: hex(decision.body.featureSetHash),
    vector: [...decision.body.vector],
    attributions: [...decision.body.attributions],
  },
})

test('plain avsc, without our types, writes and reads the same decision', () => {
  fc.assert(
    fc.property(fc.float32Array({ maxLength: 200 }), fc.float64Array({ maxLength: 200, noNaN: true }), (vector, attributions) => {
      const decision = sampleDecision({
        ...sampleBody(),
        vector: vector.map((value) => (Number.isNaN(value) ? Number.NaN : value)),
        attributions,
      })
      const bytes = Buffer.from(encodeDecision(decision)).subarray(5)
      expect(Buffer.compare(bytes, plainType.toBuffer(plainForm(decision)))).toBe(0)
      expect(plainType.fromBuffer(bytes)).toEqual(plainForm(decision))
    }),
  )
})

test('arrays in several blocks, with and without sizes, are read whole', () => {
  const schema = { ...DecisionSchema, title: 'vectors', properties: { vector: DecisionBodySchema.properties.vector }, required: ['vector'] }
  const type = avroTypeOf(schema)
  // Blocks of 1, then −2 with its size of 8 bytes, then the end.
  const bytes = Buffer.concat([Buffer.from([2]), float32(1.5), Buffer.from([3, 16]), float32(2.5), float32(-3), Buffer.from([0])])
  expect(type.fromBuffer(bytes)).toEqual({ vector: Float32Array.of(1.5, 2.5, -3) })
})

const float32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

test('NaN has one form in the log, whatever its sign and payload were', () => {
  const odd = new Float32Array(Uint32Array.of(0xffc0_0000, 0x7fc0_1234, 0x7fa0_0001).buffer)
  const odd64 = new Float64Array(BigUint64Array.of(0xfff8_0000_0000_0000n, 0x7ff8_0000_0000_0042n).buffer)
  const as = (vector: Float32Array, attributions: Float64Array) => encodeBody({ ...sampleBody(), vector, attributions })
  expect(as(odd, odd64)).toEqual(as(Float32Array.of(Number.NaN, Number.NaN, Number.NaN), Float64Array.of(Number.NaN, Number.NaN)))
})

test('a damaged count is refused in bounded memory: no byte of a decision or dead letter can make the decoder build what is not there', () => {
  const letter = encodeDeadLetter({ ...LETTER, errors: [{ pointer: '/a', value: '1', expected: 'b', remedy: 'c' }] })
  // Counts of 2^34 (more than an array can hold), 2^27 (as many floats as fill half a gigabyte) and bytes that lengthen or shorten others.
  const damages = [[0xfe, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x80, 0x80, 0x80, 0x01], [0xff], [0x7f], [0]].map((bytes) =>
    Buffer.from(bytes),
  )
  for (const record of [encodeDecision(sampleDecision()), letter])
    for (let at = 5; at < record.length; at++)
      for (const damage of damages) {
        const damaged = Buffer.concat([record.subarray(0, at), damage, record.subarray(at + 1)])
        const before = process.memoryUsage()
        if (record === letter) decodeDeadLetter(damaged)
        else decodeDecisionRecord(damaged)
        const after = process.memoryUsage()
        expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 24)
        expect(after.heapUsed - before.heapUsed).toBeLessThan(2 ** 26)
      }
})

test('peeking at a cut decision says unknown, or the same position', () => {
  const record = encodeDecision(sampleDecision())
  const whole = peekDecision(record)
  for (let length = 0; length < record.length; length++) {
    const facts = peekDecision(record.subarray(0, length))
    if (facts.kind !== 'unknown') expect(facts).toEqual(whole)
  }
})

test('a small record holds on to no more than a small record’s memory, also after a large one', () => {
  encodeDeadLetter({ ...LETTER, bytes: Buffer.alloc(1_500_000) })
  expect(encodeDeadLetter(LETTER).buffer.byteLength).toBeLessThanOrEqual(2 ** 16)
})

test('a claim is told from a decision without decoding', () => {
  const record = encodeClaim({ owner: 'host:42', claimedAt: 1 as never })
  expect(peekDecision(record)).toEqual({ kind: 'claim' })
  expect(decodeDecisionRecord(record)).toEqual({ kind: 'claim', claim: { owner: 'host:42', claimedAt: 1 } })
  expect(schemaIdOf(Buffer.from([1, 0, 0, 0, 3]))).toBe(-1)
})

test('a dead letter keeps the bytes it was given, also large ones', () => {
  for (const bytes of [LETTER.bytes, Buffer.alloc(0), Buffer.alloc(1_500_000, 7)])
    expect(decodeDeadLetter(encodeDeadLetter({ ...LETTER, bytes }))).toEqual({ kind: 'accepted', value: { ...LETTER, bytes } })
})
