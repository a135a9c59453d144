/**
 * Blocks of segment files read back from disk, parsed and checked. Partitions are interleaved in a segment, so readers of
 * different partitions that catch up together share blocks; the cache is bounded by bytes, least recently used goes first.
 */
import { closeSync, openSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { TerminalFailure } from '../failure.ts'
import { scanFrame, type FrameRecord } from './frame.ts'

const readAsync = promisify(read)

export interface Block {
  readonly bytes: number
  /** Records by partition, ascending. */
  readonly lanes: readonly FrameRecord[][]
}

/** Reads and checks the frames in `[position, end)` of a segment file. */
const readBlock = async (path: string, position: number, end: number, partitions: number): Promise<Block> => {
  const buffer = Buffer.allocUnsafeSlow(end - position)
  await readInto(path, buffer, position)
  const lanes: FrameRecord[][] = Array.from({ length: partitions }, () => [])
  let at = 0
  while (at < buffer.length) {
    const scan = scanFrame(buffer, at, buffer.length)
    if (scan.kind !== 'frame') throw corrupt(path, position + at, reasonOf(scan))
    for (const record of scan.frame.records()) lanes[record.partition]?.push(record)
    at += scan.frame.bytes
  }
  return { bytes: buffer.length, lanes }
}

export const reasonOf = (scan: { kind: 'end' } | { kind: 'short'; bytes: number } | { kind: 'damaged'; reason: string }): string => {
  switch (scan.kind) {
    case 'end':
      return 'zeros where a frame should be'
    case 'short':
      return `the frame needs ${scan.bytes} bytes, fewer are there`
    case 'damaged':
      return scan.reason
  }
}

export const corrupt = (path: string, position: number, reason: string): TerminalFailure =>
  new TerminalFailure(
    'log-corrupt',
    `${path} is damaged at byte ${position}: ${reason}. Frames after it cannot be trusted to be complete. ` +
      `Restore this file from a copy, or, accepting the loss of everything from that byte on, move the data directory aside and start with a copy cut at byte ${position}.`,
  )

const readInto = async (path: string, buffer: Buffer, position: number): Promise<void> => {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    throw new TerminalFailure(
      'log-shortened',
      `${path} cannot be opened: retention or someone else removed it while it was being read. Start the reader again from the log's start.`,
      cause,
    )
  }
  try {
    let done = 0
    while (done < buffer.length) {
      const { bytesRead } = await readAsync(fd, buffer, done, buffer.length - done, position + done)
      if (bytesRead === 0) throw corrupt(path, position + done, 'the file ends here, its index says it goes on')
      done += bytesRead
    }
  } finally {
    closeSync(fd)
  }
}

export class BlockCache {
  readonly #blocks = new Map<string, { bytes: number; block: Promise<Block> }>()
  readonly #bytesMax: number
  #bytes = 0
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The frames in `[position, end)`. The last block of a growing segment is asked for with an ever higher end: what is held then is too short. */
  get(path: string, position: number, end: number, partitions: number): Promise<Block> {
    const key = `${path}:${position}`
    const bytes = end - position
    const held = this.#blocks.get(key)
    if (held !== undefined && held.bytes === bytes) {
      this.#blocks.delete(key)
      this.#blocks.set(key, held)
      return held.block
    }
    this.#forget(key)
    const block = readBlock(path, position, end, partitions)
    block.catch(() => {
      if (this.#blocks.get(key)?.block === block) this.#forget(key)
    })
    this.#blocks.set(key, { bytes, block })
    this.#bytes += bytes
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === key) break
      this.#forget(oldest)
    }
    return block
  }

  #forget(key: string): void {
    const held = this.#blocks.get(key)
    if (held === undefined) return
    this.#blocks.delete(key)
    this.#bytes -= held.bytes
  }
}
