/** Finds, for one event kind, which of the held events lie in each window that looks back from t. */
import type { Ring } from '../state/ring.ts'
import type { WindowBounds } from './window-bounds.ts'

export class WindowReader {
  /** Number of held events up to t. */
  rows = 0
  /** Per window, the first of them that lies inside, and the first after it. */
  readonly from: Int32Array
  readonly to: Int32Array
  /** Element 0 is the first event time ever, NaN where no event is up to t. */
  readonly first = new Float64Array(1)
  readonly ring: Ring
  readonly #instant: Float64Array
  readonly #bounds: WindowBounds
  readonly #isStrict: boolean
  /** Windows some feature of this kind looks through. */
  readonly #used: number[] = []

  /** `instant[0]` is t; `bounds` are at t before each {@link locate}. */
  constructor(ring: Ring, instant: Float64Array, bounds: WindowBounds) {
    this.ring = ring
    this.from = new Int32Array(bounds.starts.length)
    this.to = new Int32Array(bounds.starts.length)
    this.#instant = instant
    this.#bounds = bounds
    // Past applications are those strictly before t: so an application never counts itself, folded already or not.
    this.#isStrict = ring.section.kind === 'application'
  }

  /** Makes {@link locate} find window `window`. */
  use(window: number): void {
    if (!this.#used.includes(window)) this.#used.push(window)
  }

  locate(): void {
    const ring = this.ring
    const times = ring.times
    const t = this.#instant[0]!
    let rows = ring.held
    if (this.#isStrict) while (rows > 0 && times[rows - 1]! >= t) rows--
    else while (rows > 0 && times[rows - 1]! > t) rows--
    this.rows = rows
    const hasPast = ring.held > 0 && (this.#isStrict ? ring.firstTime < t : ring.firstTime <= t)
    if (hasPast) this.first[0] = ring.firstTime
    else this.first[0] = NaN

    const { starts, ends, events } = this.#bounds
    const used = this.#used
    for (let i = 0; i < used.length; i++) {
      const w = used[i]!
      const end = ends[w]!
      const start = starts[w]!
      let to = rows
      while (to > 0 && times[to - 1]! > end) to--
      let from = to
      if (events[w]! > 0) from = to > events[w]! ? to - events[w]! : 0
      else while (from > 0 && times[from - 1]! > start) from--
      this.from[w] = from
      this.to[w] = to
    }
  }
}
