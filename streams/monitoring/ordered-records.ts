/**
 * Records of several topics and partitions in one order that depends on the log alone: by append time, then topic, partition, offset. Whoever
 * folds over it may stop and go on anywhere and finds the same. A record waits until no partition can still bring an older one.
 */
import type { EventLog, LogRecord, Topic } from '../ports.ts'

/** Bytes read of one partition at a time: partitions lie interleaved in a file, so small slices keep all readers near one another in it. */
const SLICE_BYTES = 32 * 1024
/**
 * How long after its append time a record may take to become readable: group commit and the follower's polling, with room. One that takes
 * longer is still delivered, behind its time and in an order that a re-run might not repeat.
 */
const VISIBLE_WITHIN_MS = 250

export interface OrderedRecord {
  readonly topic: Topic
  readonly record: LogRecord
  /** Log time: append time, never falling. */
  readonly at: number
}

interface Lane {
  readonly topic: Topic
  readonly partition: number
  next: number
  held: readonly LogRecord[]
  index: number
}

/** Next offset per partition of each topic. */
export type Positions = Readonly<Record<string, readonly number[]>>

export interface OrderedRecordsOptions {
  readonly log: EventLog
  /** Where append times are equal, earlier topics come first. */
  readonly topics: readonly Topic[]
  readonly from: Positions
  /** Log time reached before. */
  readonly at: number
  readonly now: () => number
}

export class OrderedRecords {
  readonly #log: EventLog
  readonly #lanes: readonly Lane[]
  readonly #now: () => number
  #at: number
  /** Append time of the record delivered last. */
  #last = Number.NaN

  constructor({ log, topics, from, at, now }: OrderedRecordsOptions) {
    this.#log = log
    this.#now = now
    this.#at = at
    this.#lanes = topics.flatMap((topic) =>
      log
        .start(topic)
        .map((start, partition) => ({ topic, partition, next: Math.max(start, from[topic]?.[partition] ?? start), held: [], index: 0 })),
    )
  }

  /** Log time: everything appended before it has been delivered. */
  get at(): number {
    return this.#at
  }

  /** Next offset to deliver, per partition. */
  positions(): Record<string, number[]> {
    const out: Record<string, number[]> = {}
    for (const { topic, partition, next, held, index } of this.#lanes) (out[topic] ??= [])[partition] = held[index]?.offset ?? next
    return out
  }

  /** Records of the log not yet delivered. */
  lag(): number {
    const positions = this.positions()
    const behind = (topic: Topic): number =>
      this.#log.end(topic).reduce((sum, end, partition) => sum + Math.max(0, end - (positions[topic]?.[partition] ?? 0)), 0)
    return [...new Set(this.#lanes.map(({ topic }) => topic))].reduce((sum, topic) => sum + behind(topic), 0)
  }

  /** At most `countMax` records; none where nothing may be delivered yet. Log time advances all the same. */
  async next(countMax: number): Promise<OrderedRecord[]> {
    const looked = this.#now()
    for (const lane of this.#lanes) if (lane.index === lane.held.length) await this.#fill(lane)
    const empty = this.#lanes.some(({ index, held }) => index === held.length)
    const bound = empty ? looked - VISIBLE_WITHIN_MS : Infinity
    const out: OrderedRecord[] = []
    let lane: Lane | undefined
    while (out.length < countMax) {
      // The first of equals goes on while it has more of the same instant: no other comes before.
      if (lane?.held[lane.index]?.appendedAt !== this.#last) lane = this.#oldest()
      const record = lane?.held[lane.index]
      if (lane === undefined || record === undefined || record.appendedAt >= bound) break
      this.#last = record.appendedAt
      this.#at = Math.max(this.#at, record.appendedAt)
      out.push({ topic: lane.topic, record, at: this.#at })
      lane.index++
      // Its next record may be older than the others': it must be read first.
      if (lane.index === lane.held.length && lane.next < (this.#log.end(lane.topic)[lane.partition] ?? 0)) break
      if (lane.index === lane.held.length && bound === Infinity) break
    }
    if (out.length === 0 && bound !== Infinity) this.#at = Math.max(this.#at, bound)
    return out
  }

  async #fill(lane: Lane): Promise<void> {
    const end = this.#log.end(lane.topic)[lane.partition] ?? 0
    if (lane.next >= end) return
    lane.held = await this.#log.read(lane.topic, lane.partition, lane.next, SLICE_BYTES)
    lane.index = 0
    const last = lane.held.at(-1)
    // Offsets may have holes at the end (control records of a broker).
    lane.next = last === undefined ? end : last.offset + 1
  }

  /** Lanes stand in topic and partition order, so the first of equals wins. */
  #oldest(): Lane | undefined {
    let oldest: Lane | undefined
    let least = Infinity
    for (const lane of this.#lanes) {
      const record = lane.held[lane.index]
      if (record !== undefined && record.appendedAt < least) {
        least = record.appendedAt
        oldest = lane
      }
    }
    return oldest
  }
}
