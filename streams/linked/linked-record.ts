/**
 * State of one linked entity and how far it goes. Record, little-endian: magic 0x4c, version u8, zero u16, length of state u32, position just
 * after the newest update folded f64, state.
 */
import { TerminalFailure } from '../failure.ts'

const MAGIC = 0x4c
const VERSION = 1
const HEADER_BYTES = 16

export interface LinkedState {
  /** Just after the newest update it includes, in its partition of the topic; 0 before the first. */
  version: number
  readonly state: Uint8Array
}

export const linkedRecordBytes = (stateBytes: number): number => HEADER_BYTES + stateBytes

export const encodeLinkedState = ({ version, state }: LinkedState): Uint8Array => {
  const out = Buffer.alloc(linkedRecordBytes(state.length))
  out[0] = MAGIC
  out[1] = VERSION
  out.writeUInt32LE(state.length, 4)
  out.writeDoubleLE(version, 8)
  out.set(state, HEADER_BYTES)
  return out
}

/** Copies the state out of `bytes`. */
export const decodeLinkedState = (bytes: Uint8Array, stateBytes: number, key: string): LinkedState => {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (
    record.length !== linkedRecordBytes(stateBytes) ||
    record[0] !== MAGIC ||
    record[1] !== VERSION ||
    record.readUInt32LE(4) !== stateBytes
  )
    throw new TerminalFailure(
      'state-corrupt',
      `the stored state of ${key} is no record of version ${VERSION} with ${stateBytes} bytes of state. State is a cache: delete the state folder, and the engine rebuilds it from the log.`,
    )
  return { version: record.readDoubleLE(8), state: Uint8Array.from(record.subarray(HEADER_BYTES)) }
}
