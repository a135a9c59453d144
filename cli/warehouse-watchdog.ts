/**
 * When a warehouse process is taken to hang. It tells every {@link ALIVE_MS} that its event loop goes round, and how old its oldest native call is;
 * a process that was stopped, or whose loop is held, tells nothing. Time is counted in looks, which a sleeping or overloaded parent does not make.
 */

/** How often the process tells that it lives, and how often its parent looks. */
export const ALIVE_MS = 500

/** A warehouse that cannot end in this time (a long merge) is killed: its rows are resumed from its own highest offset. */
export const STOP_MS_MAX = 15_000

export interface Patience {
  /** Before it is ready it may open large tables without a word. One that never gets ready is started anew after this. */
  readonly startMsMax: number
  /** Without a word for this long it hangs. A checkpoint of monitoring holds the loop for a tenth of a second, a crowded machine for seconds. */
  readonly silenceMsMax: number
  /** A call into the engine that takes this long does not return: queries end after 30 s, inserts take parts of a second. */
  readonly callMsMax: number
}

export const PATIENCE: Patience = { startMsMax: 600_000, silenceMsMax: 60_000, callMsMax: 180_000 }

export class WarehouseWatchdog {
  readonly #patience: Patience
  #ready = false
  #silentLooks = 0
  #oldestCallMs = 0

  constructor(patience: Patience) {
    this.#patience = patience
  }

  heard(oldestCallMs: number): void {
    this.#silentLooks = 0
    this.#oldestCallMs = oldestCallMs
  }

  /** It serves from here on. */
  ready(): void {
    this.#ready = true
    this.heard(0)
  }

  /** Another process takes its place. */
  reset(): void {
    this.#ready = false
    this.heard(0)
  }

  /** Called every {@link ALIVE_MS}: why the process hangs; undefined where it does not. */
  look(): string | undefined {
    const { startMsMax, silenceMsMax, callMsMax } = this.#patience
    const quietMsMax = this.#ready ? silenceMsMax : startMsMax
    this.#silentLooks++
    if (this.#silentLooks * ALIVE_MS > quietMsMax) return `it has not said a word for ${quietMsMax / 1_000} s`
    if (this.#oldestCallMs > callMsMax)
      return `a call into its engine has not returned for ${Math.round(this.#oldestCallMs / 1_000)} s, at most ${callMsMax / 1_000} s are waited`
    return undefined
  }
}
