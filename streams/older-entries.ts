/**
 * The older entries of an applicant's dedupe ring, in a record of their own beside the applicant's: whoever has many events in the horizon would otherwise have
 * all of their entries written again with every event. Written anew once {@link RECENT_MAX} entries have come to lie in the applicant's record; of what is
 * written, the last {@link DedupeRing.settled} count, since entries leave from the front.
 *
 * Record, little-endian: magic 0x4f, version u8, zero u16, entries u32; then the entries (28 bytes each) as one packed run (`packed-words.ts`).
 */
import { type DedupeRing, RING_WORDS } from './dedupe-ring.ts'
import { TerminalFailure } from './failure.ts'
import { packedWordsMax, packWords, unpackWords, WordScratch } from './packed-words.ts'
import type { RecordMemory } from './record-memory.ts'

const MAGIC = 0x4f
const VERSION = 1
const WORD = 4
const HEADER_WORDS = 2

/** Entries in the applicant's record: with them it is shorter than half a page of LMDB, from where on a record takes pages of its own. */
const RECENT_MAX = 32
const RECENT_KEPT = 8

/** Entries at work, with room for packing; and the record at work, where words are aligned. */
const plain = new WordScratch()
const packed = new WordScratch()

/** Under which key an applicant's older entries lie; no identifier has an exclamation mark. */
export const olderKey = (applicant: string): string => `${applicant}!`

/** Whether the older entries are to be written with the applicant's record, which then holds the few newest. */
export const settleOlder = (ring: DedupeRing): boolean => {
  if (ring.count - ring.settled <= RECENT_MAX) return false
  ring.settled = ring.count - RECENT_KEPT
  return true
}

/** Upper bound of the record's size in bytes, and of the memory that writing it takes. */
export const olderBytesMax = (entries: number): number => WORD * (HEADER_WORDS + packedWordsMax(entries * RING_WORDS))

/** Writes the record of a ring's settled entries at byte `start`, a multiple of 4, with {@link olderBytesMax} free. Answers where it ends. */
export const writeOlder = (ring: DedupeRing, { words }: RecordMemory, start: number): number => {
  const total = ring.settled * RING_WORDS
  plain.atLeast(packedWordsMax(total))
  for (let i = 0; i < total; i++) plain.words[i] = ring.words[i] as number
  const at = start / WORD
  words[at] = MAGIC | (VERSION << 8)
  words[at + 1] = ring.settled
  return packWords(plain.words, total, words, at + HEADER_WORDS) * WORD
}

/** Puts the settled entries before those that the applicant's record held. */
export const joinOlder = (ring: DedupeRing, bytes: Uint8Array | undefined, where: string): void => {
  if (bytes === undefined) throw damaged(where, `they are missing, ${ring.settled} are due`)
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (record.length % WORD !== 0 || record.length < HEADER_WORDS * WORD || record[0] !== MAGIC || record[1] !== VERSION)
    throw damaged(where, `they are not a record of version ${VERSION}`)
  const entries = record.readUInt32LE(WORD)
  const total = entries * RING_WORDS
  // A bit stands for a word: no damaged header asks for more than 32 times the memory that the record takes.
  if (entries < ring.settled || total > record.length * 8) throw damaged(where, `they are ${entries}, ${ring.settled} are due`)
  const words = record.length / WORD
  packed.atLeast(words + packedWordsMax(0) + 32)
  packed.bytes.set(record)
  plain.atLeast(packedWordsMax(total))
  if (!unpackWords(packed.words, HEADER_WORDS, words, total, plain.words))
    throw damaged(where, `their length ${record.length} does not fit their header`)
  ring.putBefore(plain.words.subarray(total - ring.settled * RING_WORDS, total))
}

const damaged = (where: string, why: string): TerminalFailure =>
  new TerminalFailure(
    'state-corrupt',
    `the stored older event ids of ${where} cannot be used: ${why}. State is a cache: delete the state folder, and the engine rebuilds it from the log.`,
  )
