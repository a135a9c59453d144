/** Bug: no event is ever recognised as seen before. */
import { DedupeRing as Real, type Seen } from '#streams/dedupe-ring.ts'

export * from '#streams/dedupe-ring.ts'

export class DedupeRing extends Real {
  override look(): Seen {
    return { kind: 'new' }
  }
}
