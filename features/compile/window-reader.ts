/** Finds, for one event kind, which of the held events lie in each window that looks back from t. */
import type { Window } from '../language/window.ts'
import type { Ring } from '../state/ring.ts'

export class WindowReader {
  /** Number of held events up to t. */
  rows = 0
  /** Per window, the first of them that lies inside. */
  readonly from: Int32Array
  /** Element 0 is the first event time ever, NaN where no event is up to t. */
  readonly first = new Float64Array(1)
  readonly ring: Ring
  readonly #instant: Float64Array
  readonly #starts: Float64Array
  readonly #isStrict: boolean

  /** `instant[0]` is t; `starts[w]` is the exclusive beginning of window w. Both are rewritten before each {@link locate}. */
  constructor(ring: Ring, instant: Float64Array, starts: Float64Array) {
    this.ring = ring
    this.from = new Int32Array(starts.length)
    this.#instant = instant
    this.#starts = starts
    // Past applications are those strictly before t: so an application never counts itself, folded already or not.
    this.#isStrict = ring.section.kind === 'application'
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

    const starts = this.#starts
    for (let w = 0; w < starts.length; w++) {
      const start = starts[w]!
      let from = rows
      while (from > 0 && times[from - 1]! > start) from--
      this.from[w] = from
    }
  }
}

/** The distinct windows of a set of features, each known by its index. */
export class WindowTable {
  readonly windows: Window[] = []

  /** Index of `window`, which is added where it is new. */
  index(window: Window): number {
    const same = (other: Window): boolean =>
      other.kind === window.kind && (other.kind !== 'months' || window.kind !== 'months' || other.months === window.months)
    const known = this.windows.findIndex(same)
    return known >= 0 ? known : this.windows.push(window) - 1
  }
}
