/** The event time of each applicant's newest application: what is older than it may speak of a decision already made. Bounded. */

/** Some 100 bytes each: 20 MB at most. The applicants that applied longest ago are forgotten first, and counted. */
const APPLICANTS_MAX = 200_000

export class NewestApplications {
  /** In the order of the last application. */
  readonly #times: Map<string, number>
  forgotten: number

  constructor(times: ReadonlyMap<string, number> = new Map(), forgotten = 0) {
    this.#times = new Map(times)
    this.forgotten = forgotten
  }

  get times(): ReadonlyMap<string, number> {
    return this.#times
  }

  apply(applicant: string, eventTime: number): void {
    const newest = Math.max(eventTime, this.#times.get(applicant) ?? -Infinity)
    this.#times.delete(applicant)
    this.#times.set(applicant, newest)
    if (this.#times.size <= APPLICANTS_MAX) return
    for (const oldest of this.#times.keys()) {
      this.#times.delete(oldest)
      this.forgotten++
      return
    }
  }

  erase(applicant: string): void {
    this.#times.delete(applicant)
  }

  /** Whether an event of this time may have been missing from a decision made before. */
  maybeLate(applicant: string, eventTime: number): boolean {
    return eventTime <= (this.#times.get(applicant) ?? -Infinity)
  }
}
