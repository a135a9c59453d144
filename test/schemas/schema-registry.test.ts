import avsc from 'avsc'
import { describe, expect, it } from 'vitest'
import { avroSchemaOf } from '#schemas/avro.ts'
import { EVENT_SCHEMAS, type PaymentEvent } from '#schemas/events.ts'
import { SchemaRegistry } from '#schemas/registry-client.ts'
import { registerEventSchemas, subjectOf } from '#schemas/register-events.ts'
import { SharedEventFormat } from '#schemas/shared-event-format.ts'
import { schemaRegistryServer } from '../servers/schema-registry.ts'
import { SAMPLES } from './sample-events.ts'

interface Field {
  readonly name: string
  readonly [attribute: string]: unknown
}
interface RecordSchema {
  readonly fields: readonly Field[]
  readonly [attribute: string]: unknown
}

const server = await schemaRegistryServer()
const payment = avroSchemaOf(EVENT_SCHEMAS.payment) as unknown as RecordSchema
const withField = (field: Field): RecordSchema => ({ ...payment, fields: [...payment.fields, field] })
const ahead = withField({ name: 'instrument', type: ['null', 'string'], default: null })
const behind: RecordSchema = { ...payment, fields: payment.fields.filter(({ name }) => name !== 'period') }
const incompatible = withField({ name: 'instrument', type: 'string' })

/** As a producer of another library writes: its own Avro type, behind Confluent's frame. Logical types are plain numbers to it. */
const written = (id: number, schema: RecordSchema, value: object): Buffer => {
  const body = avsc.Type.forSchema(schema as unknown as avsc.Schema, { wrapUnions: false, registry: {} }).toBuffer(value)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, body])
}

if (server.kind === 'absent') it.skip(`schema registry (${server.reason})`, () => {})
else
  describe('schema registry', () => {
    const topic = (): string => `t${Math.random().toString(36).slice(2)}`
    const event = SAMPLES.find(({ kind }) => kind === 'payment') as PaymentEvent
    const { kind: _, ...fields } = event

    it('registering a schema again gives its id again, and its text is fetched by that id', async () => {
      const registry = new SchemaRegistry({ url: server.url })
      const name = topic()
      const ids = await registerEventSchemas(registry, name)
      expect(await registerEventSchemas(new SchemaRegistry({ url: server.url }), name)).toEqual(ids)
      expect(new Set(Object.values(ids)).size).toBe(7)
      expect(JSON.parse((await registry.schemaOf(ids.payment)) as string)).toMatchObject({ name: 'Payment', namespace: 'scorestream' })
      expect(await registry.schemaOf(999_999)).toBeUndefined()
    })

    it('a producer one version ahead is understood, its new field left out', async () => {
      const registry = new SchemaRegistry({ url: server.url })
      const name = topic()
      const format = new SharedEventFormat({ registry, ids: await registerEventSchemas(registry, name) })
      const id = await registry.register(subjectOf(name, 'payment'), ahead)
      const bytes = written(id, ahead, { ...fields, instrument: 'card' })
      await format.learn([{ value: bytes }, { value: bytes }])
      expect(format.learn([{ value: bytes }])).toBeUndefined()
      const decoded = format.decode(bytes)
      expect(decoded.kind === 'accepted' && JSON.parse(JSON.stringify(decoded.value))).toEqual(JSON.parse(JSON.stringify(event)))
    })

    it('a producer one version behind is understood, what it lacks absent', async () => {
      const registry = new SchemaRegistry({ url: server.url })
      const name = topic()
      const id = await registry.register(subjectOf(name, 'payment'), behind)
      const format = new SharedEventFormat({ registry, ids: await registerEventSchemas(registry, name) })
      const { period: _period, ...before } = fields
      const bytes = written(id, behind, before)
      await format.learn([{ value: bytes }])
      expect(format.decode(bytes)).toMatchObject({ kind: 'accepted', value: { kind: 'payment', amount: event.amount } })
    })

    it('a change that would lock out the other side is refused, and said so before', async () => {
      const registry = new SchemaRegistry({ url: server.url })
      const name = topic()
      await registerEventSchemas(registry, name)
      const subject = subjectOf(name, 'payment')
      expect(await registry.compatibility(subject, ahead)).toMatchObject({ compatible: true })
      const verdict = await registry.compatibility(subject, incompatible)
      expect(verdict.compatible).toBe(false)
      await expect(registry.register(subject, incompatible)).rejects.toThrow(/incompatible/)
    })

    it('a schema of something else, or of nothing the registry has, is refused for that reason', async () => {
      const registry = new SchemaRegistry({ url: server.url })
      const format = new SharedEventFormat({ registry, ids: await registerEventSchemas(registry, topic()) })
      const invoice = { type: 'record', name: 'Invoice', fields: [{ name: 'x', type: 'int' }] } as const
      const id = await registry.register(topic(), invoice)
      const bytes = written(id, invoice, { x: 1 })
      const nowhere = written(888_888, invoice, { x: 1 })
      await format.learn([{ value: bytes }, { value: nowhere }])
      expect(format.decode(bytes)).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-schema' } })
      expect(format.decode(nowhere)).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-schema' } })
    })
  })
