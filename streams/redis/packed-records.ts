/**
 * Records as Redis keeps them: words of zeros left out. More than half of an applicant's record is rings not filled yet; leaving those out more than halves the
 * bytes on the wire and in memory at less than a microsecond, where general compression takes tens.
 *
 * Words are four bytes, little-endian; a record that ends within one is taken as filled up with zeros. Length in bytes (one word); a bit for each word of the
 * record, least significant first, set where it is not zero, filled up to whole words; those words. Records of one call share one buffer: allocating
 * for each would cost more than packing it.
 */
import { TerminalFailure } from '../failure.ts'

const WORD = 4
const GROUP = 32

/** Grows to the largest record met: words can be looked at one by one only where they are aligned. */
class Scratch {
  words = new Int32Array(1024)
  bytes = new Uint8Array(this.words.buffer)

  atLeast(words: number): void {
    if (this.words.length >= words) return
    this.words = new Int32Array(words * 2)
    this.bytes = new Uint8Array(this.words.buffer)
  }
}
const scratch = new Scratch()

const groupsOf = (length: number): number => Math.ceil(length / (WORD * GROUP))

export const packRecords = (records: readonly Uint8Array[]): Buffer[] => {
  let words = 0
  // A word beyond the last is written to and not counted.
  for (const { length } of records) words += 1 + groupsOf(length) * (1 + GROUP)
  const arena = new Int32Array(words + 1)
  let at = 0
  return records.map((record) => {
    const start = at
    at = packOne(record, arena, start)
    return Buffer.from(arena.buffer, start * WORD, (at - start) * WORD)
  })
}

/** Branch-free: whether a word is zero is hard to predict, and a wrong guess costs more than all else that is done with it. */
const packOne = (record: Uint8Array, arena: Int32Array, start: number): number => {
  const { length } = record
  const groups = groupsOf(length)
  scratch.atLeast(groups * GROUP)
  scratch.bytes.set(record)
  scratch.bytes.fill(0, length, groups * GROUP * WORD)
  const source = scratch.words
  arena[start] = length
  let next = start + 1 + groups
  for (let group = 0, i = 0; group < groups; group++) {
    let mask = 0
    for (let bit = 0; bit < GROUP; bit++, i++) {
      const word = source[i] as number
      const present = (word | -word) >>> 31
      arena[next] = word
      next += present
      mask |= present << bit
    }
    arena[start + 1 + group] = mask
  }
  return next
}

/** `where` names the records, should one be damaged. Null, where there is none, becomes undefined. */
export const unpackRecords = (packed: readonly (Buffer | null)[], where: string): (Uint8Array | undefined)[] => {
  let words = 0
  for (const one of packed) if (one !== null) words += groupsOf(lengthOf(one, where)) * GROUP
  const arena = new Int32Array(words)
  let at = 0
  return packed.map((one) => {
    if (one === null) return undefined
    const length = unpackOne(one, arena, at, where)
    const record = new Uint8Array(arena.buffer, at * WORD, length)
    at += groupsOf(length) * GROUP
    return record
  })
}

/** A bit stands for a word of the record: no damaged length asks for more than 32 times the memory that the packed record takes. */
const lengthOf = (packed: Buffer, where: string): number => {
  const length = packed.length < WORD || packed.length % WORD !== 0 ? -1 : packed.readInt32LE(0)
  if (length < 0 || packed.length < WORD + groupsOf(length) * WORD) throw damaged(where)
  return length
}

const unpackOne = (packed: Buffer, arena: Int32Array, start: number, where: string): number => {
  const words = packed.length / WORD
  scratch.atLeast(words + 1)
  scratch.bytes.set(packed)
  const source = scratch.words
  const length = source[0] as number
  const groups = groupsOf(length)
  let next = 1 + groups
  for (let group = 0, i = start; group < groups; group++) {
    const mask = source[1 + group] as number
    for (let bit = 0; bit < GROUP; bit++, i++) {
      const present = (mask >>> bit) & 1
      arena[i] = (source[next] as number) & -present
      next += present
    }
    if (next > words) throw damaged(where)
  }
  if (next !== words) throw damaged(where)
  return length
}

const damaged = (where: string): TerminalFailure =>
  new TerminalFailure(
    'state-corrupt',
    `${where} holds what is no packed record. State is a cache: delete the key, and the engine rebuilds it from the log or a checkpoint.`,
  )
