/** Events as they are made, in one piece of memory; then in order of event time. */

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

  add(time: number, json: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    if (this.#used + 3 * json.length > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length + 3 * json.length)
    if (this.#count === this.#times.length) this.#moreEvents()
    this.#used += this.#bytes.write(json, this.#used)
    if (this.#count > 0 && time < this.#times[this.#count - 1]!) this.#inOrder = false
    this.#times[this.#count] = time
    this.#ends[this.#count++] = this.#used
  }

  clear(): void {
    this.#count = 0
    this.#used = 0
    this.#inOrder = true
  }

  /** Calls back with every event by event time; events of one instant in the order they were added. The bytes are a view. */
  inTimeOrder(take: (time: number, json: Buffer) => void): void {
    const times = this.#times
    if (this.#inOrder) {
      for (let index = 0; index < this.#count; index++) take(times[index]!, this.#at(index))
      return
    }
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index).sort((a, b) => times[a]! - times[b]! || a - b)
    for (const index of order) take(times[index]!, this.#at(index))
  }

  #moreEvents(): void {
    const [times, ends] = [new Float64Array(2 * this.#count), new Uint32Array(2 * this.#count)]
    times.set(this.#times)
    ends.set(this.#ends)
    this.#times = times
    this.#ends = ends
  }

  #at(index: number): Buffer {
    return this.#bytes.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index])
  }
}
