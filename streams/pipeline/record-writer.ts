/**
 * What the records of a commit are written into: buffers that they share, and that go to a later commit once this one is done. A buffer for each record costs
 * more than filling it.
 */
import { recordMemory, type RecordMemory } from '../record-memory.ts'

/** Blocks from 128 KiB on would be had from the operating system for each commit, and faulted in page by page (`cli/native-memory.ts`). */
const CHUNK_BYTES = 64 * 1024
/** Buffers kept for the commits to come, 4 MiB; a larger commit has the others anew. */
const CHUNKS_MAX = 64

export class RecordWriter {
  readonly #spare: RecordMemory[]
  readonly #chunks: RecordMemory[] = []
  memory: RecordMemory = recordMemory(0)
  #at = 0

  /** `spare` is what commits give back and take from. */
  constructor(spare: RecordMemory[]) {
    this.#spare = spare
  }

  /** Answers where in {@link memory} so many bytes may be written. */
  reserve(bytes: number): number {
    if (this.#at + bytes > this.memory.bytes.length) {
      this.memory = bytes > CHUNK_BYTES ? recordMemory(bytes) : (this.#spare.pop() ?? recordMemory(CHUNK_BYTES))
      this.#chunks.push(this.memory)
      this.#at = 0
    }
    return this.#at
  }

  /** The record from where it was reserved to `end`. */
  taken(end: number): Uint8Array {
    const start = this.#at
    this.#at = end
    return this.memory.bytes.subarray(start, end)
  }

  /** Nobody looks at the records any more. */
  giveBack(): void {
    for (const chunk of this.#chunks) if (chunk.bytes.length === CHUNK_BYTES && this.#spare.length < CHUNKS_MAX) this.#spare.push(chunk)
  }
}
