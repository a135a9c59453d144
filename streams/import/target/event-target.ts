/** Where an import's events go. */

/** What became of a batch. Positions in `refused` count from the batch's first event. */
export interface Delivery {
  readonly accepted: number
  /** Recognised as delivered before. */
  readonly duplicates: number
  readonly refused: readonly { readonly index: number; readonly code: string; readonly detail: string }[]
}

export interface EventTarget {
  /** Events of one call to {@link deliver}, at most. */
  readonly batchEvents: number
  /** Delivers events in order; resolves once they survive the death of this process. */
  deliver(events: readonly Buffer[]): Promise<Delivery>
  /** Where the target stands after the last delivery: given back to it when an interrupted import goes on. */
  position(): number
  /** The import is complete: what was delivered becomes visible under its name. */
  complete(): Promise<void>
  close(): Promise<void>
}
