/** Waiting, as the pipeline does it; an argument, so that a simulation keeps the time. */
import { timer, type Observable } from 'rxjs'

export interface Pauses {
  /** Lets everything else on the event loop have its turn. */
  turn(): Promise<void>
  wait(ms: number): Promise<void>
  /** Emits once after `ms`; unsubscribing calls it off. */
  after(ms: number): Observable<unknown>
}

export const realPauses: Pauses = {
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  after: (ms) => timer(ms),
}
