/**
 * What the engine keeps of one applicant: the dedupe ring and the feature state. In memory an {@link Entity}; in the store a compact,
 * versioned record.
 *
 * Record, little-endian: magic 0x45, version u8, flags u16 (1 = erased), ring entries u32, ring overflow u32, feature states u32,
 * newest event time f64; the ring's entries (28 bytes each); per feature state: feature-set hash (32 bytes), length u32, state.
 */
import { DedupeRing, RING_ENTRY_BYTES, RING_WORDS } from './dedupe-ring.ts'
import { TerminalFailure } from './failure.ts'

const MAGIC = 0x45
const VERSION = 1
const HEADER_BYTES = 24
const STATE_HEADER_BYTES = 36
const ERASED = 1

export interface Entity {
  readonly ring: DedupeRing
  /** State under the feature set in force. */
  state: Uint8Array
  /** Newest event time folded, −Infinity before the first: what comes with an older one is late. */
  newestEventTime: number
  /** Whether an erasure was asked for since the last new fact. */
  erased: boolean
}

export const newEntity = (state: Uint8Array): Entity => ({ ring: new DedupeRing(), state, newestEventTime: -Infinity, erased: false })

/** Upper bound of a record's size in bytes. */
export const entityBytesMax = (stateBytes: number, ringEntriesMax: number): number =>
  HEADER_BYTES + ringEntriesMax * RING_ENTRY_BYTES + STATE_HEADER_BYTES + stateBytes

export const entityBytes = (entity: Entity): number =>
  HEADER_BYTES + entity.ring.count * RING_ENTRY_BYTES + STATE_HEADER_BYTES + entity.state.length

/** Writes the record at `at`; it takes {@link entityBytes}. Many records share one buffer, since allocating each costs more than filling it. */
export const writeEntity = (entity: Entity, featureSetHash: Uint8Array, out: Buffer, start: number): void => {
  const { ring, state } = entity
  out[start] = MAGIC
  out[start + 1] = VERSION
  out.writeUInt16LE(entity.erased ? ERASED : 0, start + 2)
  out.writeUInt32LE(ring.count, start + 4)
  out.writeUInt32LE(ring.overflow, start + 8)
  out.writeUInt32LE(1, start + 12)
  out.writeDoubleLE(entity.newestEventTime, start + 16)
  const ringBytes = ring.count * RING_ENTRY_BYTES
  out.set(new Uint8Array(ring.words.buffer, ring.words.byteOffset, ringBytes), start + HEADER_BYTES)
  const at = start + HEADER_BYTES + ringBytes
  out.set(featureSetHash, at)
  out.writeUInt32LE(state.length, at + 32)
  out.set(state, at + STATE_HEADER_BYTES)
}

export const encodeEntity = (entity: Entity, featureSetHash: Uint8Array): Buffer => {
  const out = Buffer.allocUnsafeSlow(entityBytes(entity))
  writeEntity(entity, featureSetHash, out, 0)
  return out
}

/**
 * Copies the record's parts out of `bytes`, into `spare` where that is given: an entity that nobody refers to any more, whose memory is taken
 * over. A record of another feature set or layout is terminal: state is then rebuilt from the log.
 */
export const decodeEntity = (bytes: Uint8Array, featureSetHash: Uint8Array, stateBytes: number, where: string, spare?: Entity): Entity => {
  const record = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (record.length < HEADER_BYTES || record[0] !== MAGIC || record[1] !== VERSION)
    throw damaged(where, 'it is not an entity record of version 1')
  const count = record.readUInt32LE(4)
  const at = HEADER_BYTES + count * RING_ENTRY_BYTES
  if (record.length !== at + STATE_HEADER_BYTES + stateBytes || record.readUInt32LE(at + 32) !== stateBytes)
    throw damaged(where, `its length ${record.length} does not fit its header`)
  if (record.compare(featureSetHash, 0, 32, at, at + 32) !== 0)
    throw damaged(
      where,
      `it is of feature set ${record.toString('hex', at, at + 6)}…, in force is ${Buffer.from(featureSetHash).toString('hex', 0, 6)}…`,
    )
  const entity = spare ?? newEntity(new Uint8Array(stateBytes))
  const { ring } = entity
  if (ring.words.length < count * RING_WORDS) ring.words = new Uint32Array(count * RING_WORDS)
  new Uint8Array(ring.words.buffer).set(record.subarray(HEADER_BYTES, at))
  ring.count = count
  ring.overflow = record.readUInt32LE(8)
  entity.state.set(record.subarray(at + STATE_HEADER_BYTES))
  entity.newestEventTime = record.readDoubleLE(16)
  entity.erased = (record.readUInt16LE(2) & ERASED) !== 0
  return entity
}

/** `spare` as {@link newEntity} would be. */
export const renewEntity = (spare: Entity, emptyState: Uint8Array): Entity => {
  spare.ring.count = 0
  spare.ring.overflow = 0
  spare.state.set(emptyState)
  spare.newestEventTime = -Infinity
  spare.erased = false
  return spare
}

const damaged = (where: string, why: string): TerminalFailure =>
  new TerminalFailure(
    'state-corrupt',
    `the stored state of ${where} cannot be used: ${why}. State is a cache: delete the state folder, and the engine rebuilds it from the log.`,
  )
