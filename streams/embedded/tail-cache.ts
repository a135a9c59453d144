/** The newest records of a topic in memory, so that live consumers never touch the disk. Bounded by bytes; oldest frames go first. */
import type { Frame, FrameRecord } from './frame.ts'

/** A partition's records, in columns: the frame of each, and its place there. */
interface Lane {
  frames: Frame[]
  places: number[]
  head: number
}

/** Objects around a frame, and a record's places in the columns: as measured, about. */
const FRAME_OVERHEAD_BYTES = 320
const RECORD_OVERHEAD_BYTES = 24

/** In memory, with the objects around: many events come one a frame, and their objects then outweigh them. */
const held = ({ bytes, count }: Frame): number => bytes + FRAME_OVERHEAD_BYTES + count * RECORD_OVERHEAD_BYTES

export class TailCache {
  readonly #lanes: Lane[]
  readonly #frames: Frame[] = []
  readonly #bytesMax: number
  #framesHead = 0
  #bytes = 0

  constructor(partitions: number, bytesMax: number) {
    this.#lanes = Array.from({ length: partitions }, () => ({ frames: [], places: [], head: 0 }))
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(frame: Frame): void {
    for (let i = 0; i < frame.count; i++) {
      const lane = this.#lane(frame.partition(i))
      lane.frames.push(frame)
      lane.places.push(i)
    }
    this.#frames.push(frame)
    this.#bytes += held(frame)
    while (this.#bytes > this.#bytesMax && this.#framesHead < this.#frames.length - 1) this.#evict()
  }

  /** Records of a partition from `offset` on, at most about `bytesMax` bytes; `undefined` where the cache begins after `offset`. */
  read(partition: number, offset: number, bytesMax: number): FrameRecord[] | undefined {
    const { frames, places, head } = this.#lane(partition)
    const first = frames[head]?.offset(places[head] as number)
    if (first === undefined || offset < first) return undefined
    const out: FrameRecord[] = []
    let bytes = 0
    // Offsets of the embedded log have no gaps, so a position is an index.
    for (let i = head + offset - first; i < frames.length && bytes < bytesMax; i++) {
      const record = (frames[i] as Frame).record(places[i] as number)
      out.push(record)
      bytes += record.bytes
    }
    return out
  }

  #evict(): void {
    const frame = this.#frames[this.#framesHead] as Frame
    this.#frames[this.#framesHead++] = undefined as never
    this.#bytes -= held(frame)
    for (let i = 0; i < frame.count; i++) {
      const lane = this.#lane(frame.partition(i))
      // Let go at once; the arrays themselves are compacted now and then.
      lane.frames[lane.head++] = undefined as never
      if (lane.head > 4096 && lane.head * 2 > lane.frames.length) {
        lane.frames = lane.frames.slice(lane.head)
        lane.places = lane.places.slice(lane.head)
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
