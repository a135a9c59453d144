/** What an open-loop client sends with: at the scheduled time, whatever the engine does. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpConnection } from './http-connection.ts'
import { nowNs } from './latency-clock.ts'

/** Longest nap of the sending loop, ms: answers are read in between. */
const NAP_MS_MAX = 0.25
/** Where the next event is farther off than this, timers are precise enough. */
const TIMER_FROM_MS = 3

const nap = new Int32Array(new SharedArrayBuffer(4))

/** Resolves at a time of {@link nowNs}, within a nap of it; at once where that is past. */
export const untilDue = async (scheduledNs: number): Promise<void> => {
  for (;;) {
    const aheadMs = (scheduledNs - nowNs()) / 1e6
    if (aheadMs <= 0) return
    if (aheadMs > TIMER_FROM_MS) await sleep(1)
    else {
      Atomics.wait(nap, 0, 0, Math.min(NAP_MS_MAX, aheadMs))
      await new Promise(setImmediate)
    }
  }
}

/**
 * Sends through whichever connection has been free longest, so that none idles until the server closes it (after 10 s); where none is free, the
 * event waits, and its latency grows.
 */
export class Sender {
  readonly #free: HttpConnection[]
  readonly #waiting: (() => void)[] = []
  failure: Error | undefined
  constructor(connections: HttpConnection[]) {
    this.#free = connections
  }
  send(contentType: string, body: Buffer): void {
    const connection = this.#free.shift()
    if (connection === undefined) this.#waiting.push(() => this.send(contentType, body))
    else
      connection.post('/v1/events', contentType, body).then(
        ({ status, body: answer }) => {
          if (status !== 202) this.failure = new Error(`the engine answered ${status}: ${answer.slice(0, 300)}`)
          this.#free.push(connection)
          this.#waiting.shift()?.()
        },
        (error: Error) => (this.failure = error),
      )
  }
}
