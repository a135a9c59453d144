/** Ids of the applications read last, so that a producer's retry that reached the log twice is told from a lost application at once. */
import type { ApplicationEvent } from '#schemas/events.ts'

/** Ids held per partition, some 150 bytes each. A retry that comes later is found by walking the log. */
const IDS_MAX = 4_096

export const idOf = ({ producer, eventId }: Pick<ApplicationEvent, 'producer' | 'eventId'>): string => `${producer}\n${eventId}`

export class KnownIds {
  readonly #first = new Map<string, number>()

  /** True where the id was seen at an earlier position. */
  isRepeat(id: string, position: number): boolean {
    const first = this.#first.get(id)
    if (first !== undefined) return first < position
    this.#first.set(id, position)
    if (this.#first.size > IDS_MAX) this.#first.delete(this.#first.keys().next().value as string)
    return false
  }
}
