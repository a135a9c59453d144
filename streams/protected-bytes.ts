/**
 * Refused bytes are kept in the dead letters, unless protected attributes may be among them: those may lie nowhere but in the vault, and
 * what did not parse cannot be routed there. Then the reason is kept and the bytes are withheld.
 */
import type { Rejection } from '#schemas/rejection.ts'

/** The kind itself, its field, and the names under which producers carry such attributes, as JSON keys, wherever they stand. */
const SUSPECT =
  /protected|"attributes"|"(?:sex|gender|birth[a-z_]*|date_?of_?birth|dob|age|ethnic[a-z_]*|race|religion|marital[a-z_]*|nationality|citizenship|disability|education)"\s*:/i
const MASK = '•••'

export const mayHoldProtected = (bytes: Uint8Array): boolean =>
  SUSPECT.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))

/** What may be kept of refused bytes and of the reason, which may quote them. */
export const keepable = (bytes: Uint8Array, rejection: Rejection): { readonly bytes: Uint8Array; readonly rejection: Rejection } => {
  if (!mayHoldProtected(bytes)) return { bytes, rejection }
  const { code, detail, errors } = rejection
  // The parser of JSON quotes what it stumbled over.
  const reason = code === 'malformed-json' || code === 'unknown-kind' ? `refused as ${code}` : detail
  return {
    bytes: new Uint8Array(0),
    rejection: {
      code,
      detail: `${reason}; ${bytes.length} bytes are withheld, for protected attributes may be among them`,
      errors: errors.map((error) => ({ ...error, value: MASK })),
    },
  }
}
