/** Changes bytes of a record where it lies in the log's files, as a bad disk or a forger would. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { readFormat } from '#streams/embedded/data-directory.ts'
import { type FrameRecord, scanFrame } from '#streams/embedded/frame.ts'
import { headerBytes, listSegments, segmentName } from '#streams/embedded/segment.ts'
import type { Topic } from '#streams/ports.ts'

export interface Tampering {
  readonly dataDir: string
  readonly topic: Topic
  /** The record to change. */
  readonly is: (record: FrameRecord) => boolean
  /** Changes the value in place; true once done, false to look for another record. */
  readonly change: (value: Uint8Array, record: FrameRecord) => boolean
  /** Whether the frame's checksum is made to fit again. */
  readonly mendChecksum: boolean
}

/** Returns the record that was changed. */
export const tamper = ({ dataDir, topic, is, change, mendChecksum }: Tampering): FrameRecord => {
  const folder = join(dataDir, 'log', topic)
  const { partitions } = readFormat(dataDir)
  for (const number of listSegments(folder)) {
    const path = join(folder, segmentName(number))
    const bytes = readFileSync(path)
    let at = headerBytes(partitions)
    for (;;) {
      const scan = scanFrame(bytes, at, bytes.length)
      if (scan.kind !== 'frame') break
      const { frame } = scan
      const record = frame.records().find((one) => is(one) && change(one.value, one))
      if (record !== undefined) {
        if (mendChecksum) bytes.writeUInt32LE(crc32(bytes.subarray(at + 12, at + frame.bytes)), at + 8)
        writeFileSync(path, bytes)
        return record
      }
      at += frame.bytes
    }
  }
  throw new Error(`no record of ${topic} to change`)
}

/** Flips one bit so that `fits` holds of the bytes then; false where no bit does. From the end, where the values stand. */
export const flipOneBit = (value: Uint8Array, fits: () => boolean): boolean => {
  for (let at = value.length - 1; at >= 0; at--)
    for (const bit of [1, 2, 4, 8, 16]) {
      const before = value[at] as number
      value[at] = before ^ bit
      if (fits()) return true
      value[at] = before
    }
  return false
}

/** Changes one byte of a file, at the first place where `find` stands. */
export const changeByte = (path: string, find: string | number, by = 1): void => {
  const bytes = readFileSync(path)
  const at = typeof find === 'number' ? find : bytes.indexOf(find)
  if (at < 0 || at >= bytes.length) throw new Error(`${path} does not hold ${find}`)
  bytes[at] = (bytes[at] as number) ^ by
  writeFileSync(path, bytes)
}
