/** Where each window of a set of features begins and ends, seen from t. */
import { writeMonthStarts } from '../language/calendar.ts'
import type { Window } from '../language/window.ts'
import { windowLabel } from '../language/window.ts'
import { monthIndex, zoneMonths } from '../language/zone-months.ts'

interface CalendarStep {
  readonly window: number
  readonly back: number
  readonly table: Float64Array
}

export class WindowBounds {
  readonly #windows: Window[] = []
  /** Per window, the exclusive beginning (epoch ms); −∞ where it has none. */
  starts = new Float64Array(0)
  /** Per window, the inclusive end; +∞ where it ends with t. */
  ends = new Float64Array(0)
  /** Per window, how many events it holds at most; 0 where time bounds it. */
  events = new Int32Array(0)
  #monthCounts = new Int32Array(0)
  #spans: { readonly window: number; readonly spanMs: number }[] = []
  #calendars: CalendarStep[] = []

  /** Index of `window`, which is added where it is new. Once all are added, {@link seal}. */
  index(window: Window): number {
    const label = windowLabel(window)
    const known = this.#windows.findIndex((other) => other.kind === window.kind && windowLabel(other) === label)
    return known >= 0 ? known : this.#windows.push(window) - 1
  }

  seal(): void {
    const windows = this.#windows
    this.starts = new Float64Array(windows.length).fill(-Infinity)
    this.ends = new Float64Array(windows.length).fill(Infinity)
    this.events = Int32Array.from(windows, (window) => (window.kind === 'events' ? window.events : 0))
    this.#monthCounts = Int32Array.from(windows, (window) => (window.kind === 'months' ? window.months : 0))
    windows.forEach((window, i) => {
      if (window.kind === 'span') this.#spans.push({ window: i, spanMs: window.spanMs })
      else if (window.kind === 'calendar-month') this.#calendars.push({ window: i, back: window.back, table: zoneMonths(window.zone) })
    })
  }

  /** Moves all windows to t = `instant[0]`. */
  locate(instant: Float64Array): void {
    const { starts, ends } = this
    writeMonthStarts(instant, this.#monthCounts, starts)
    const spans = this.#spans
    for (let i = 0; i < spans.length; i++) starts[spans[i]!.window] = instant[0]! - spans[i]!.spanMs
    const calendars = this.#calendars
    for (let i = 0; i < calendars.length; i++) {
      const { window, back, table } = calendars[i]!
      const month = monthIndex(table, instant) - back
      // Event times are whole milliseconds: what begins at a month's first moment begins after the one before.
      if (month < 0) starts[window] = ends[window] = -Infinity
      else {
        starts[window] = table[month]! - 1
        if (month + 1 < table.length) ends[window] = table[month + 1]! - 1
        else ends[window] = Infinity
      }
    }
  }
}
