/** An ownership that a test plays by hand. */
import type { Ownership, OwnershipListener } from '#streams/ports.ts'

export interface HandOwnership extends Ownership {
  readonly listener: OwnershipListener
  /** What was mirrored last, by partition. */
  readonly mirrored: ReadonlyMap<number, number>
}

export const handOwnership = (): HandOwnership => {
  let member: OwnershipListener | undefined
  const mirrored = new Map<number, number>()
  return {
    get listener() {
      if (member === undefined) throw new Error('nobody has joined')
      return member
    },
    mirrored,
    async join(listener) {
      member = listener
    },
    mirror(offsets) {
      for (const [partition, offset] of offsets) mirrored.set(partition, offset)
    },
    async leave() {
      await member?.revoked([0, 1, 2])
    },
  }
}
