/**
 * What the frames of one topic are written into. They live as long as the topic's tail, and go in the order in which they came: side by side in buffers of
 * their own they hold what they fill. In a buffer shared with whatever else is small, each frame of a quiet topic would keep all of it.
 */

/** A block from 128 KiB on would be had from the operating system each time (`cli/native-memory.ts`). */
const CHUNK_BYTES = 64 * 1024

export class FrameMemory {
  #chunk: Buffer = Buffer.alloc(0)
  #used = 0

  /** Uninitialised. */
  take(bytes: number): Buffer {
    if (bytes > CHUNK_BYTES / 4) return Buffer.allocUnsafeSlow(bytes)
    if (this.#used + bytes > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      this.#used = 0
    }
    const at = this.#used
    this.#used += bytes
    return this.#chunk.subarray(at, this.#used)
  }
}
