/** The newest records of a topic in memory, so that live consumers never touch the disk. Bounded by bytes; oldest frames go first. */
import type { Frame, FrameRecord } from './frame.ts'

interface Lane {
  records: FrameRecord[]
  head: number
}

export class TailCache {
  readonly #lanes: Lane[]
  readonly #frames: Frame[] = []
  readonly #bytesMax: number
  #framesHead = 0
  #bytes = 0

  constructor(partitions: number, bytesMax: number) {
    this.#lanes = Array.from({ length: partitions }, () => ({ records: [], head: 0 }))
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(frame: Frame): void {
    for (const record of frame.records) this.#lane(record.partition).records.push(record)
    this.#frames.push(frame)
    this.#bytes += frame.bytes
    while (this.#bytes > this.#bytesMax && this.#framesHead < this.#frames.length - 1) this.#evict()
  }

  /** Records of a partition from `offset` on, at most about `bytesMax` bytes; `undefined` where the cache begins after `offset`. */
  read(partition: number, offset: number, bytesMax: number): FrameRecord[] | undefined {
    const { records, head } = this.#lane(partition)
    const first = records[head]
    if (first === undefined || offset < first.offset) return undefined
    const out: FrameRecord[] = []
    let bytes = 0
    // Offsets of the embedded log have no gaps, so a position is an index.
    for (let i = head + offset - first.offset; i < records.length && bytes < bytesMax; i++) {
      const record = records[i] as FrameRecord
      out.push(record)
      bytes += record.bytes
    }
    return out
  }

  #evict(): void {
    const frame = this.#frames[this.#framesHead] as Frame
    this.#frames[this.#framesHead++] = undefined as never
    this.#bytes -= frame.bytes
    for (const record of frame.records) {
      const lane = this.#lane(record.partition)
      // Let go at once; the array itself is compacted now and then.
      lane.records[lane.head++] = undefined as never
      if (lane.head > 4096 && lane.head * 2 > lane.records.length) {
        lane.records = lane.records.slice(lane.head)
        lane.head = 0
      }
    }
    if (this.#framesHead > 4096 && this.#framesHead * 2 > this.#frames.length) {
      this.#frames.splice(0, this.#framesHead)
      this.#framesHead = 0
    }
  }

  #lane(partition: number): Lane {
    return this.#lanes[partition] as Lane
  }
}
