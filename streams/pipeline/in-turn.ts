/** One value at a time through a step that may have to wait. */
import { Observable, type OperatorFunction } from 'rxjs'

/**
 * Like `concatMap` over promises, for a source that never sends the next value before the last came out at the end: nothing is queued, a
 * step that has its result at once passes it on in the same turn, and the operators are subscribed once, not once per value. What a step
 * throws, or its promise rejects with, ends the stream as an error.
 */
export const inTurn = <In, Out>(step: (value: In) => Out | Promise<Out>): OperatorFunction<In, Out> => {
  return (source) =>
    new Observable<Out>((subscriber) => {
      let waiting = false
      let completed = false
      const settled = (out: Out): void => {
        waiting = false
        subscriber.next(out)
        if (completed && !waiting) subscriber.complete()
      }
      const failed = (cause: unknown): void => subscriber.error(cause)
      return source.subscribe({
        next: (value) => {
          try {
            const out = step(value)
            if (!(out instanceof Promise)) return subscriber.next(out)
            waiting = true
            out.then(settled, failed)
          } catch (cause) {
            failed(cause)
          }
        },
        error: failed,
        complete: () => {
          completed = true
          if (!waiting) subscriber.complete()
        },
      })
    })
}
