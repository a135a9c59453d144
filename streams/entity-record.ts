/**
 * What the engine keeps of one applicant: the dedupe ring and the feature state. In memory an {@link Entity}; in the store a compact,
 * versioned record.
 *
 * Record of version 2, little-endian: magic 0x45, version u8, flags u16 (1 = erased), ring entries u32, ring overflow u32, state bytes u32, newest event time
 * f64, first 8 bytes of the feature set's hash; then the ring's entries (28 bytes each) and the state, filled up to whole words, as one packed run
 * (`packed-words.ts`). Always whole words. Version 3 is the same of an applicant whose older entries lie apart (`older-entries.ts`): entries here u16, of those
 * there u16.
 *
 * Version 1, which checkpoints and stores of earlier releases hold, is read: the same up to the overflow, feature states u32 (1), newest event time f64, the
 * ring's entries, hash (32 bytes), length u32, state, nothing packed.
 */
import { DedupeRing, RING_ENTRY_BYTES, RING_WORDS, ringRoom } from './dedupe-ring.ts'
import { TerminalFailure } from './failure.ts'
import { packedWordsMax, packWords, unpackWords, WordScratch } from './packed-words.ts'
import { recordMemory, type RecordMemory } from './record-memory.ts'

const MAGIC = 0x45
const VERSION = 2
const VERSION_APART = 3
const WORD = 4
const HEADER_BYTES = 32
const HASH_BYTES = 8
const HEADER_WORDS = HEADER_BYTES / WORD
const ERASED = 1

/** Ring and state of the record at work, in the open. */
const plain = new WordScratch()
/** The record at work, where words are aligned. */
const packed = new WordScratch()

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

const wordsOf = (stateBytes: number, ringEntries: number): number => ringEntries * RING_WORDS + Math.ceil(stateBytes / WORD)

/** Upper bound of a record's size in bytes, and of the memory that writing it takes. */
export const recordBytesMax = (stateBytes: number, ringEntries: number): number =>
  HEADER_BYTES + WORD * packedWordsMax(wordsOf(stateBytes, ringEntries))

/** What it takes in memory, without the objects around: the ring's room, not only what is used of it. */
export const entityBytes = ({ ring, state }: Entity): number => ring.words.byteLength + state.length

/** Writes the record, without the ring's settled entries, at byte `start`, a multiple of 4, with {@link recordBytesMax} free from there on. Answers where it ends. */
export const writeEntity = (entity: Entity, featureSetHash: Uint8Array, { words, bytes }: RecordMemory, start: number): number => {
  const { ring, state } = entity
  const entries = ring.count - ring.settled
  const [first, ringWords] = [ring.settled * RING_WORDS, entries * RING_WORDS]
  const total = wordsOf(state.length, entries)
  plain.atLeast(packedWordsMax(total))
  for (let i = 0; i < ringWords; i++) plain.words[i] = ring.words[first + i] as number
  plain.words[total - 1] = 0
  plain.bytes.set(state, ringWords * WORD)
  const at = start / WORD
  words[at] = MAGIC | ((ring.settled > 0 ? VERSION_APART : VERSION) << 8) | (entity.erased ? ERASED << 16 : 0)
  words[at + 1] = entries | (ring.settled << 16)
  words[at + 2] = ring.overflow
  words[at + 3] = state.length
  bytes.writeDoubleLE(entity.newestEventTime, start + 16)
  for (let i = 0; i < HASH_BYTES; i++) bytes[start + 24 + i] = featureSetHash[i] as number
  return packWords(plain.words, total, words, at + HEADER_WORDS) * WORD
}

export const encodeEntity = (entity: Entity, featureSetHash: Uint8Array): Buffer => {
  const memory = recordMemory(recordBytesMax(entity.state.length, entity.ring.count))
  return Buffer.from(memory.bytes.subarray(0, writeEntity(entity, featureSetHash, memory, 0)))
}

/**
 * Copies the record's parts out of `bytes`; where the ring then has settled entries, they lie apart and are still to be put before the others. Copied into `spare` where that is given: an entity that nobody refers to any more, whose memory is taken
 * over. A record of another feature set or layout is terminal: state is then rebuilt from the log.
 */
export const decodeEntity = (bytes: Uint8Array, featureSetHash: Uint8Array, stateBytes: number, where: string, spare?: Entity): Entity => {
  const record = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (record.length >= HEADER_BYTES && record[0] === MAGIC && record[1] === 1)
    return decodeUnpacked(record, featureSetHash, stateBytes, where, spare)
  if (record.length < HEADER_BYTES || record[0] !== MAGIC || (record[1] !== VERSION && record[1] !== VERSION_APART))
    throw damaged(where, `it is not an entity record of version ${VERSION} or ${VERSION_APART}`)
  const apart = record[1] === VERSION_APART
  const count = apart ? record.readUInt16LE(4) : record.readUInt32LE(4)
  const total = wordsOf(stateBytes, count)
  // A bit stands for a word: no damaged header asks for more than 32 times the memory that the record takes.
  if (record.length % WORD !== 0 || record.readUInt32LE(12) !== stateBytes || total > record.length * 8)
    throw damaged(where, `its length ${record.length} does not fit its header`)
  requireHash(record, 24, HASH_BYTES, featureSetHash, where)
  const words = record.length / WORD
  packed.atLeast(words + packedWordsMax(0) + 32)
  packed.bytes.set(record)
  plain.atLeast(packedWordsMax(total))
  if (!unpackWords(packed.words, HEADER_WORDS, words, total, plain.words))
    throw damaged(where, `its length ${record.length} does not fit its header`)
  const entity = spare ?? newEntity(new Uint8Array(stateBytes))
  const ringWords = count * RING_WORDS
  const { ring } = entity
  if (ring.words.length < ringWords) ring.words = new Uint32Array(ringRoom(count))
  for (let i = 0; i < ringWords; i++) ring.words[i] = plain.words[i] as number
  entity.state.set(plain.bytes.subarray(ringWords * WORD, ringWords * WORD + stateBytes))
  return withHeader(entity, record, count, apart ? record.readUInt16LE(6) : 0)
}

const withHeader = (entity: Entity, record: Buffer, count: number, settled: number): Entity => {
  entity.ring.count = count
  entity.ring.settled = settled
  entity.ring.overflow = record.readUInt32LE(8)
  entity.newestEventTime = record.readDoubleLE(16)
  entity.erased = (record.readUInt16LE(2) & ERASED) !== 0
  return entity
}

const UNPACKED_HEADER_BYTES = 24
const UNPACKED_STATE_HEADER_BYTES = 36

/** Version 1. */
const decodeUnpacked = (record: Buffer, featureSetHash: Uint8Array, stateBytes: number, where: string, spare?: Entity): Entity => {
  const at = UNPACKED_HEADER_BYTES + record.readUInt32LE(4) * RING_ENTRY_BYTES
  if (record.length !== at + UNPACKED_STATE_HEADER_BYTES + stateBytes || record.readUInt32LE(at + 32) !== stateBytes)
    throw damaged(where, `its length ${record.length} does not fit its header`)
  requireHash(record, at, 32, featureSetHash, where)
  const entity = spare ?? newEntity(new Uint8Array(stateBytes))
  const entries = record.subarray(UNPACKED_HEADER_BYTES, at)
  const { ring } = entity
  if (ring.words.length * WORD < entries.length) ring.words = new Uint32Array(entries.length / WORD)
  new Uint8Array(ring.words.buffer).set(entries)
  entity.state.set(record.subarray(at + UNPACKED_STATE_HEADER_BYTES))
  return withHeader(entity, record, record.readUInt32LE(4), 0)
}

const requireHash = (record: Buffer, at: number, bytes: number, featureSetHash: Uint8Array, where: string): void => {
  if (record.compare(featureSetHash, 0, bytes, at, at + bytes) !== 0)
    throw damaged(
      where,
      `it is of feature set ${record.toString('hex', at, at + 6)}…, in force is ${Buffer.from(featureSetHash).toString('hex', 0, 6)}…`,
    )
}

/** `spare` as {@link newEntity} would be. */
export const renewEntity = (spare: Entity, emptyState: Uint8Array): Entity => {
  spare.ring.count = 0
  spare.ring.settled = 0
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
