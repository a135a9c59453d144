/** Bytes of a file from a position on, uncompressed where its name ends in `.gz`. */
import { createReadStream, statSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { ImportFault } from '../import-fault.ts'

/** Large enough that system calls do not show, small enough to stay in the cache between scanner and disk. */
const CHUNK_BYTES = 1_048_576

export interface ByteSource {
  /** The next bytes; undefined at the end. */
  read(): Promise<Buffer | undefined>
  /** Share of the file read, in [0, 1]. */
  progress(): number
  close(): Promise<void>
}

const unsuitable = (path: string, cause: unknown): ImportFault =>
  new ImportFault('file-unsuitable', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause)

/** A compressed file cannot be entered in the middle: what stands before `offset` is unpacked and let go. */
export const openBytes = (path: string, offset: number): ByteSource => {
  const { size } = statSync(path)
  const packed = path.endsWith('.gz')
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES, start: packed ? 0 : offset })
  let skip = packed ? offset : 0
  let done = packed ? 0 : offset
  const gunzip = packed ? file.on('data', (chunk) => (done += chunk.length)).pipe(createGunzip({ chunkSize: CHUNK_BYTES })) : undefined
  if (gunzip !== undefined) file.on('error', (error) => gunzip.destroy(error))
  const chunks = (gunzip ?? file)[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const next = async (): Promise<Buffer | undefined> => {
    try {
      const { value, done: ended } = await chunks.next()
      return ended === true ? undefined : value
    } catch (error) {
      throw unsuitable(path, error)
    }
  }
  return {
    async read() {
      for (;;) {
        const chunk = await next()
        if (chunk === undefined) return undefined
        if (!packed) done += chunk.length
        if (skip === 0) return chunk
        const left = chunk.subarray(Math.min(skip, chunk.length))
        skip -= chunk.length - left.length
        if (left.length > 0) return left
      }
    },
    progress: () => (size === 0 ? 1 : Math.min(1, done / size)),
    async close() {
      await chunks.return?.()
      file.destroy()
    },
  }
}
