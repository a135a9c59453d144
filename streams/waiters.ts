/**
 * Callers that wait for a decision: places are bounded, each has a deadline, and what resolves them is the decisions log as read back.
 * A waiter is registered before its event is appended, so no decision can pass unseen.
 */
import type { Decision } from '#schemas/decision.ts'

export interface AwaitedEvent {
  readonly producer: string
  readonly eventId: string
  readonly applicantId: string
}

export interface DecisionWaiter {
  /** The decision on the event, or undefined once the deadline has passed or the waiter was cancelled. */
  readonly decision: Promise<Decision | undefined>
  /** Frees the place at once. Idempotent. */
  cancel(): void
}

interface Place {
  readonly key: string
  readonly settle: (decision: Decision | undefined) => void
}

export class Waiters {
  readonly #places = new Map<string, Set<Place>>()
  readonly #placesMax: number
  #taken = 0

  constructor(placesMax = 4096) {
    this.#placesMax = placesMax
  }

  get taken(): number {
    return this.#taken
  }

  /** Takes a place, or returns undefined where all are taken. */
  wait(event: AwaitedEvent, deadlineMs: number): DecisionWaiter | undefined {
    if (this.#taken >= this.#placesMax) return undefined
    // The body of a decision does not name the producer: within an applicant the event id stands for both.
    const key = keyOf(event.applicantId, event.eventId)
    let place: Place | undefined
    let timer: NodeJS.Timeout | undefined
    const decision = new Promise<Decision | undefined>((resolve) => {
      place = {
        key,
        settle: (found) => {
          clearTimeout(timer)
          this.#leave(place as Place)
          resolve(found)
        },
      }
    })
    timer = setTimeout(() => (place as Place).settle(undefined), deadlineMs)
    this.#enter(place as unknown as Place)
    return { decision, cancel: () => (place as unknown as Place).settle(undefined) }
  }

  /** Resolves whoever waits for these decisions. */
  offer(decisions: readonly Decision[]): void {
    if (this.#taken === 0) return
    for (const decision of decisions) {
      const places = this.#places.get(keyOf(decision.body.applicantId, decision.body.eventId))
      if (places !== undefined) for (const place of [...places]) place.settle(decision)
    }
  }

  /** Lets everybody go without a decision. */
  close(): void {
    for (const places of [...this.#places.values()]) for (const place of [...places]) place.settle(undefined)
  }

  #enter(place: Place): void {
    const places = this.#places.get(place.key)
    if (places === undefined) this.#places.set(place.key, new Set([place]))
    else places.add(place)
    this.#taken++
  }

  #leave(place: Place): void {
    const places = this.#places.get(place.key)
    if (places === undefined || !places.delete(place)) return
    this.#taken--
    if (places.size === 0) this.#places.delete(place.key)
  }
}

const keyOf = (applicantId: string, eventId: string): string => `${applicantId}\n${eventId}`
