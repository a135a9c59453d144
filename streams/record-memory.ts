/** Memory that stored records are written to, one after another. */
const WORD = 4

export interface RecordMemory {
  readonly words: Int32Array
  readonly bytes: Buffer
}

export const recordMemory = (bytes: number): RecordMemory => {
  const memory = Buffer.allocUnsafeSlow(Math.ceil(bytes / WORD) * WORD)
  return { bytes: memory, words: new Int32Array(memory.buffer, memory.byteOffset, memory.length / WORD) }
}
