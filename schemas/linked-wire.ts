/** Records of the topic `linked-entities`; the same framing as everything else. Decoding never throws on foreign bytes. */
import { LINKED_UPDATE_SCHEMA_ID } from './catalog.ts'
import { framedCodec } from './framed-codec.ts'
import { type LinkedUpdate, LinkedUpdateSchema } from './linked-update.ts'
import type { Parsed } from './rejection.ts'
import { schemaIdOf } from './wire.ts'

const LINKED_UPDATE = framedCodec(LinkedUpdateSchema, LINKED_UPDATE_SCHEMA_ID)

export const encodeLinkedUpdate = (update: LinkedUpdate): Uint8Array => LINKED_UPDATE.encode(update)

export const decodeLinkedUpdate = (bytes: Uint8Array): Parsed<LinkedUpdate> => {
  const rejected = (code: 'unknown-schema' | 'schema-violation', detail: string): Parsed<never> => ({
    kind: 'rejected',
    rejection: { code, detail, errors: [] },
  })
  if (schemaIdOf(bytes) !== LINKED_UPDATE_SCHEMA_ID)
    return rejected('unknown-schema', `a linked update has schema id ${LINKED_UPDATE_SCHEMA_ID}, this record ${schemaIdOf(bytes)}`)
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return { kind: 'accepted', value: LINKED_UPDATE.decode(buffer) as LinkedUpdate }
  } catch (error) {
    return rejected('schema-violation', `the bytes are not a linked update: ${error instanceof Error ? error.message : String(error)}`)
  }
}
