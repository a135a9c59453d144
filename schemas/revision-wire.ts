/** Revisions as they stand in the log; the same framing as everything else. The decoder never throws on foreign bytes. */
import { REVISION_SCHEMA_ID } from './catalog.ts'
import { framedCodec } from './framed-codec.ts'
import type { Parsed } from './rejection.ts'
import { type Revision, RevisionSchema } from './revision.ts'
import { schemaIdOf } from './wire.ts'

const CODEC = framedCodec(RevisionSchema, REVISION_SCHEMA_ID)

export const encodeRevision = (revision: Revision): Uint8Array => CODEC.encode(revision)

export const decodeRevision = (bytes: Uint8Array): Parsed<Revision> => {
  if (schemaIdOf(bytes) !== REVISION_SCHEMA_ID)
    return {
      kind: 'rejected',
      rejection: {
        code: 'unknown-schema',
        detail: `a revision has schema id ${REVISION_SCHEMA_ID}, this record ${schemaIdOf(bytes)}`,
        errors: [],
      },
    }
  try {
    return { kind: 'accepted', value: CODEC.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Revision }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'rejected', rejection: { code: 'schema-violation', detail: `the bytes are not a revision: ${reason}`, errors: [] } }
  }
}
