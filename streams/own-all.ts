/** Ownership where one process has a log to itself: all partitions, from the first moment to the last. */
import type { Ownership, OwnershipListener } from './ports.ts'

export const ownAll = (partitions: number): Ownership => {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  let member: OwnershipListener | undefined
  return {
    async join(listener) {
      member = listener
      await listener.assigned(all)
    },
    mirror() {
      // Nobody else looks.
    },
    async leave() {
      await member?.revoked(all)
      member = undefined
    },
  }
}
