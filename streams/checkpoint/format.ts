/**
 * A checkpoint's bytes: frames of `length u32, CRC-32 u32, kind u8, payload`, little-endian. First a header (JSON: facts and name), then records
 * (deflated: per record key length u16, state length u32 or 0xFFFFFFFF for none, key, state), last a trailer (JSON: position, number of
 * records, SHA-256 of all bytes before it). What lacks its trailer is no checkpoint.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { crc32, deflateRaw, inflateRaw } from 'node:zlib'
import { TerminalFailure } from '../failure.ts'
import type { PartitionState } from '../ports.ts'
import type { CheckpointFacts, CheckpointName, RecordPage } from './ports.ts'

const VERSION = 1
const HEADER = 0x68
const RECORDS = 0x72
const TRAILER = 0x74
const FRAME_BYTES = 9
/** A page of a thousand records is about 1 MB; beyond this a length is damage. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024
const NONE = 0xffff_ffff
/** States are mostly zeros: the fastest level takes most of what there is to gain. */
const LEVEL = 1

const deflate = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw)
const inflate = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflateRaw)

const frame = (kind: number, payload: Uint8Array): Buffer => {
  const out = Buffer.allocUnsafe(FRAME_BYTES + payload.length)
  out.writeUInt32LE(payload.length, 0)
  out.writeUInt32LE(crc32(payload), 4)
  out[8] = kind
  out.set(payload, FRAME_BYTES)
  return out
}

const encodePage = (page: RecordPage): Buffer => {
  let bytes = 0
  for (const [key, state] of page) bytes += 6 + Buffer.byteLength(key) + (state?.length ?? 0)
  const out = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const [key, state] of page) {
    const keyBytes = out.write(key, at + 6)
    out.writeUInt16LE(keyBytes, at)
    out.writeUInt32LE(state?.length ?? NONE, at + 2)
    at += 6 + keyBytes
    if (state !== null) out.set(state, at)
    at += state?.length ?? 0
  }
  return out
}

const decodePage = (bytes: Buffer): RecordPage => {
  const page = new Map<string, Uint8Array | null>()
  let at = 0
  while (at < bytes.length) {
    const keyBytes = bytes.readUInt16LE(at)
    const length = bytes.readUInt32LE(at + 2)
    at += 6 + keyBytes
    const key = bytes.toString('utf8', at - keyBytes, at)
    if (length === NONE) page.set(key, null)
    else page.set(key, bytes.subarray(at, (at += length)))
  }
  return page
}

interface Header extends CheckpointFacts {
  readonly version: number
  readonly partition: number
  readonly follows: number | null
}

interface Trailer {
  readonly position: PartitionState
  readonly records: number
  readonly sha256: string
}

/** `position` is asked once the pages have come to their end: where the copied state stands is known only then. */
export async function* encodeCheckpoint(
  { partition, follows }: Pick<CheckpointName, 'partition' | 'follows'>,
  { partitions, featureSetHash, generation }: CheckpointFacts,
  pages: AsyncIterable<RecordPage>,
  position: () => PartitionState,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  const counted = (bytes: Buffer): Buffer => {
    hash.update(bytes)
    return bytes
  }
  const header: Header = { version: VERSION, partitions, featureSetHash, generation, partition, follows }
  yield counted(frame(HEADER, Buffer.from(JSON.stringify(header))))
  let records = 0
  for await (const page of pages) {
    records += page.size
    yield counted(frame(RECORDS, await deflate(encodePage(page), { level: LEVEL })))
  }
  const trailer: Trailer = { position: position(), records, sha256: hash.digest('hex') }
  yield frame(TRAILER, Buffer.from(JSON.stringify(trailer)))
}

async function* framesOf(
  bytes: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<{ whole: Buffer; kind: number; payload: Buffer }> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk])
    while (rest.length >= FRAME_BYTES) {
      const length = rest.readUInt32LE(0)
      if (length > FRAME_BYTES_MAX) throw damaged(where, `a frame claims ${length} bytes`)
      if (rest.length < FRAME_BYTES + length) break
      const whole = rest.subarray(0, FRAME_BYTES + length)
      const payload = whole.subarray(FRAME_BYTES)
      if (crc32(payload) !== whole.readUInt32LE(4)) throw damaged(where, 'a check sum does not fit')
      yield { whole, kind: whole[8] as number, payload }
      rest = rest.subarray(whole.length)
    }
  }
  if (rest.length > 0) throw damaged(where, 'it ends within a frame')
}

/**
 * Pages of a checkpoint, in order; resolves to the position it stood at. `checkpoint-corrupt` where bytes are damaged or missing: what was read before then counts
 * for nothing. `state-mismatch` where it belongs to something else.
 */
export async function* decodeCheckpoint(
  bytes: AsyncIterable<Uint8Array>,
  facts: CheckpointFacts,
  where: string,
): AsyncGenerator<RecordPage, PartitionState> {
  const hash = createHash('sha256')
  let records = 0
  let begun = false
  let position: PartitionState | undefined
  for await (const { whole, kind, payload } of framesOf(bytes, where)) {
    if (position !== undefined) throw damaged(where, 'something follows its end')
    if (kind === TRAILER) {
      const trailer = JSON.parse(payload.toString()) as Trailer
      if (trailer.records !== records || trailer.sha256 !== hash.digest('hex')) throw damaged(where, 'its contents do not fit its end')
      position = trailer.position
      continue
    }
    hash.update(whole)
    if (kind === HEADER && !begun) {
      requireSame(JSON.parse(payload.toString()) as Header, facts, where)
      begun = true
    } else if (kind === RECORDS && begun) {
      const page = decodePage(await inflate(payload, { maxOutputLength: FRAME_BYTES_MAX }))
      records += page.size
      yield page
    } else throw damaged(where, `a frame of kind ${kind} stands where none may`)
  }
  if (position === undefined) throw damaged(where, 'its end is missing')
  return position
}

const requireSame = (header: Header, facts: CheckpointFacts, where: string): void => {
  if (header.version !== VERSION) throw damaged(where, `it is of version ${header.version}, this engine reads version ${VERSION}`)
  for (const name of ['partitions', 'featureSetHash', 'generation'] as const)
    if (header[name] !== facts[name])
      throw new TerminalFailure(
        'state-mismatch',
        `${where} was taken with ${name} ${header[name]}, in force is ${facts[name]}. Give this deployment a checkpoint directory of its own.`,
      )
}

const damaged = (where: string, why: string): TerminalFailure =>
  new TerminalFailure('checkpoint-corrupt', `${where} cannot be used: ${why}.`)
