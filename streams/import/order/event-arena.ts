/** Events as they are made, in one piece of memory; then in order of event time. */
import type { EventLines } from '../mapping/event-lines.ts'
import type { RunWriter } from './run-file.ts'
import { timeOrder } from './time-order.ts'

/** Bytes of a short event, more or less: how many an arena of a size begins with room for. */
const EVENT_BYTES = 160

export class EventArena {
  readonly #bytesMax: number
  #bytes: Buffer
  #times: Float64Array
  #ends: Uint32Array
  #count = 0
  #used = 0
  /** Whether the events so far came in order of time. */
  #inOrder = true

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#bytes = Buffer.allocUnsafe(bytesMax)
    const events = Math.ceil(bytesMax / EVENT_BYTES)
    this.#times = new Float64Array(events)
    this.#ends = new Uint32Array(events)
  }

  get count(): number {
    return this.#count
  }

  /** Asked between rows: one row's events must not be parted, so there is room for a large one beyond this mark. */
  get full(): boolean {
    return this.#used > this.#bytesMax * 0.875
  }

  add(lines: EventLines): void {
    if (this.#used + lines.used > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length + lines.used)
    if (this.#count + lines.count > this.#times.length) this.#moreEvents(lines.count)
    const { bytes, times, ends, used, count } = lines
    this.#bytes.set(bytes.subarray(0, used), this.#used)
    for (let line = 0; line < count; line++) {
      const time = times[line]!
      if (this.#count > 0 && time < this.#times[this.#count - 1]!) this.#inOrder = false
      this.#times[this.#count] = time
      this.#ends[this.#count++] = this.#used + ends[line]!
    }
    this.#used += used
  }

  clear(): void {
    this.#count = 0
    this.#used = 0
    this.#inOrder = true
  }

  /** Every event by event time; events of one instant in the order they were added. */
  writeTo(run: RunWriter): void {
    const [bytes, times, ends] = [this.#bytes, this.#times, this.#ends]
    const order = this.#inOrder ? undefined : timeOrder(times, this.#count)
    for (let place = 0; place < this.#count; place++) {
      const index = order === undefined ? place : order[place]!
      run.add(times[index]!, bytes, index === 0 ? 0 : ends[index - 1]!, ends[index]!)
    }
  }

  #moreEvents(least: number): void {
    const length = 2 * this.#count + least
    const [times, ends] = [new Float64Array(length), new Uint32Array(length)]
    times.set(this.#times)
    ends.set(this.#ends)
    this.#times = times
    this.#ends = ends
  }
}
