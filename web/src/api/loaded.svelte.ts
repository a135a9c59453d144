/** Something that is loaded: under way, there, or failed; a newer load makes an older one moot. */
import { untrack } from 'svelte'

export type Loaded<Value> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly value: Value; readonly stale: boolean }
  | { readonly kind: 'failed'; readonly error: Error }

export class Loader<Value> {
  state = $state.raw<Loaded<Value>>({ kind: 'loading' })
  #controller: AbortController | undefined
  #load: ((signal: AbortSignal) => Promise<Value>) | undefined

  /** Loads, keeping what is shown until the new value is there. */
  run(load: (signal: AbortSignal) => Promise<Value>): void {
    this.#load = load
    this.#controller?.abort()
    const controller = new AbortController()
    this.#controller = controller
    const before = untrack(() => this.state)
    this.state = before.kind === 'ready' ? { ...before, stale: true } : { kind: 'loading' }
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) this.state = { kind: 'ready', value, stale: false }
      },
      (error: unknown) => {
        if (!controller.signal.aborted) this.state = { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) }
      },
    )
  }

  again(): void {
    if (this.#load !== undefined) this.run(this.#load)
  }

  stop(): void {
    this.#controller?.abort()
  }
}
