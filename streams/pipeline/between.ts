/** Work that may be done only between two batches, when states and offsets agree. In order, one at a time. */

export class Between {
  readonly #asked: () => void
  #tasks: (() => Promise<void>)[] = []
  #last: Promise<void> = Promise.resolve()
  #looping = false

  /** `asked` is called when there is something to do: the loop, should it wait for events, must not wait longer. */
  constructor(asked: () => void) {
    this.#asked = asked
  }

  get pending(): boolean {
    return this.#tasks.length > 0
  }

  /** Resolves or rejects as the task does: between the next two batches or, where no loop runs, at once. */
  do(task: () => Promise<void> | void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => Promise.resolve().then(task).then(resolve, reject))
      if (this.#looping) this.#asked()
      else void this.run()
    })
  }

  /** Called by the loop between batches: does all there is. A task's failure is its asker's. */
  run(): Promise<void> {
    const todo = this.#tasks
    this.#tasks = []
    this.#last = this.#last.then(async () => {
      for (const task of todo) await task()
    })
    return this.#last
  }

  /** Whether batches are being worked on. */
  set looping(whether: boolean) {
    this.#looping = whether
    if (!whether) void this.run()
  }
}
