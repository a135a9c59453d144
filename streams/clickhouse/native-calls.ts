/** Which native calls are under way, and since when: one that never returns is seen by its age. Milliseconds of a monotonic clock. */
export class NativeCalls {
  readonly #begun = new Set<{ readonly at: number }>()

  /** Runs `call`; it is under way until it settles. */
  async watch<Value>(call: () => Promise<Value>): Promise<Value> {
    const mark = { at: performance.now() }
    this.#begun.add(mark)
    try {
      return await call()
    } finally {
      this.#begun.delete(mark)
    }
  }

  /** How long the oldest has been under way; 0 where there is none. */
  oldestMs(): number {
    // In order of insertion, which is that of their beginnings.
    for (const { at } of this.#begun) return performance.now() - at
    return 0
  }
}
