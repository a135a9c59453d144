/**
 * Records as Redis keeps them: words of zeros left out. More than half of an applicant's record is rings not filled yet; leaving those out more than halves the
 * bytes on the wire and in memory at less than a microsecond, where general compression takes tens.
 *
 * Words are four bytes, little-endian; a record that ends within one is taken as filled up with zeros. Length in bytes (one word); a bit for each word of the
 * record, least significant first, set where it is not zero, filled up to whole words; those words.
 */
import { TerminalFailure } from '../failure.ts'

const WORD = 4
const GROUP = 32

/** Grows to the largest record met: words can be looked at one by one only where they are aligned. */
class Scratch {
  words = new Int32Array(1024)
  bytes = Buffer.from(this.words.buffer)

  atLeast(words: number): void {
    if (this.words.length >= words) return
    this.words = new Int32Array(words * 2)
    this.bytes = Buffer.from(this.words.buffer)
  }
}
const plain = new Scratch()
const packed = new Scratch()

const groupsOf = (length: number): number => Math.ceil(length / (WORD * GROUP))

/** Most bytes that a record of `length` bytes can take packed. */
export const packedBytesMax = (length: number): number => WORD * (1 + groupsOf(length) * (1 + GROUP))

/** Packs a record into memory of this module's own and answers its bytes; they stand there, for {@link copyPacked}, until the next is packed. */
export const packRecord = (record: Uint8Array): number => {
  const { length } = record
  const groups = groupsOf(length)
  plain.atLeast(groups * GROUP)
  // Up to four words beyond the last are written to and not counted.
  packed.atLeast(5 + groups * (1 + GROUP))
  plain.bytes.set(record)
  // By hand: `fill` of a few words costs as much as packing a hundred.
  for (let i = length; i % WORD !== 0; i++) plain.bytes[i] = 0
  for (let i = Math.ceil(length / WORD); i < groups * GROUP; i++) plain.words[i] = 0
  return packWords(length, groups, plain.words, packed.words) * WORD
}

/**
 * Branch-free: whether a word is zero is hard to predict, and a wrong guess costs more than all else that is done with it. Four words a step, which is a
 * quarter faster than one.
 */
const packWords = (length: number, groups: number, source: Int32Array, target: Int32Array): number => {
  target[0] = length
  let next = 1 + groups
  for (let group = 0, i = 0; group < groups; group++) {
    let mask = 0
    for (let bit = 0; bit < GROUP; bit += 4, i += 4) {
      const a = source[i] as number
      const b = source[i + 1] as number
      const c = source[i + 2] as number
      const d = source[i + 3] as number
      const hasA = (a | -a) >>> 31
      const hasB = (b | -b) >>> 31
      const hasC = (c | -c) >>> 31
      const hasD = (d | -d) >>> 31
      target[next] = a
      target[(next += hasA)] = b
      target[(next += hasB)] = c
      target[(next += hasC)] = d
      next += hasD
      mask |= (hasA | (hasB << 1) | (hasC << 2) | (hasD << 3)) << bit
    }
    target[1 + group] = mask
  }
  return next
}

/** Copies the record packed last to `target`, from `at` on. */
export const copyPacked = (length: number, target: Uint8Array, at: number): void => void packed.bytes.copy(target, at, 0, length)

/**
 * Records share buffers of about this size. Larger blocks of memory would be asked of the operating system each time and given back, page by page, where malloc's
 * thresholds are fixed (`cli/native-memory.ts`); a buffer for each record would cost more than unpacking it.
 */
const ARENA_WORDS = (64 * 1024) / WORD

/** `where` names the records, should one be damaged. Null, where there is none, becomes undefined. */
export const unpackRecords = (given: readonly (Buffer | null)[], where: string): (Uint8Array | undefined)[] => {
  let left = 0
  for (const one of given) if (one !== null) left += groupsOf(lengthOf(one, where)) * GROUP
  let arena = new Int32Array(0)
  let at = 0
  return given.map((one) => {
    if (one === null) return undefined
    const length = lengthOf(one, where)
    const words = groupsOf(length) * GROUP
    if (at + words > arena.length) {
      // Every word that is handed out is written below.
      arena = new Int32Array(Buffer.allocUnsafeSlow(Math.max(words, Math.min(left, ARENA_WORDS)) * WORD).buffer)
      at = 0
    }
    unpackOne(one, length, arena, at, where)
    const record = new Uint8Array(arena.buffer, at * WORD, length)
    at += words
    left -= words
    return record
  })
}

/** A bit stands for a word of the record: no damaged length asks for more than 32 times the memory that the packed record takes. */
const lengthOf = (one: Buffer, where: string): number => {
  const length = one.length < WORD || one.length % WORD !== 0 ? -1 : one.readInt32LE(0)
  if (length < 0 || one.length < WORD + groupsOf(length) * WORD) throw damaged(where)
  return length
}

const unpackOne = (one: Buffer, length: number, arena: Int32Array, start: number, where: string): void => {
  const words = one.length / WORD
  // A damaged record may say that more words follow than do, found out a group later.
  packed.atLeast(words + GROUP)
  packed.bytes.set(one)
  const source = packed.words
  const groups = groupsOf(length)
  let next = 1 + groups
  for (let group = 0, i = start; group < groups; group++) {
    const mask = source[1 + group] as number
    for (let bit = 0; bit < GROUP; bit += 4, i += 4) {
      const has = mask >>> bit
      const atB = next + (has & 1)
      const atC = atB + ((has >>> 1) & 1)
      const atD = atC + ((has >>> 2) & 1)
      arena[i] = (source[next] as number) & -(has & 1)
      arena[i + 1] = (source[atB] as number) & -((has >>> 1) & 1)
      arena[i + 2] = (source[atC] as number) & -((has >>> 2) & 1)
      arena[i + 3] = (source[atD] as number) & -((has >>> 3) & 1)
      next = atD + ((has >>> 3) & 1)
    }
    if (next > words) throw damaged(where)
  }
  if (next !== words) throw damaged(where)
}

const damaged = (where: string): TerminalFailure =>
  new TerminalFailure(
    'state-corrupt',
    `${where} holds what is no packed record. State is a cache: delete the key, and the engine rebuilds it from the log or a checkpoint.`,
  )
