/** Makes this build's event schemas known to a registry. All kinds share one topic, so a subject is topic and record (TopicRecordNameStrategy). */
import { avroSchemaOf } from './avro.ts'
import { EVENT_SCHEMA_IDS } from './catalog.ts'
import { type CreditEvent, EVENT_SCHEMAS } from './events.ts'
import type { SchemaRegistry } from './registry-client.ts'

export const subjectOf = (topic: string, kind: CreditEvent['kind']): string => {
  const { namespace, name } = avroSchemaOf(EVENT_SCHEMAS[kind])
  return `${topic}-${String(namespace)}.${String(name)}`
}

/**
 * Registers each kind and returns the ids. Subjects are held to full compatibility, so that producers may be a version ahead or behind.
 * Rejects where a registered version forbids this build's.
 */
export const registerEventSchemas = async (
  registry: SchemaRegistry,
  topic: string,
): Promise<Readonly<Record<CreditEvent['kind'], number>>> => {
  const kinds = Object.keys(EVENT_SCHEMA_IDS) as CreditEvent['kind'][]
  const ids = await Promise.all(
    kinds.map(async (kind) => {
      const subject = subjectOf(topic, kind)
      const id = await registry.register(subject, avroSchemaOf(EVENT_SCHEMAS[kind]))
      await registry.setCompatibility(subject, 'FULL_TRANSITIVE')
      return [kind, id] as const
    }),
  )
  return Object.fromEntries(ids) as Record<CreditEvent['kind'], number>
}

/** Why the registry would refuse schemas of this build, one sentence a subject; empty where it takes them all. Changes nothing. */
export const refusedSchemas = async (registry: SchemaRegistry, topic: string): Promise<readonly string[]> => {
  const kinds = Object.keys(EVENT_SCHEMA_IDS) as CreditEvent['kind'][]
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const subject = subjectOf(topic, kind)
      const { compatible, reasons } = await registry.compatibility(subject, avroSchemaOf(EVENT_SCHEMAS[kind]))
      return compatible ? [] : [`${subject} holds a schema that this build's is not compatible with: ${reasons.join('; ')}`]
    }),
  )
  return found.flat()
}
