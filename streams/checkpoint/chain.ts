/** Which checkpoints, one after another, make up a state: one that holds all records, then those that add to it. Pure. */
import type { CheckpointName } from './ports.ts'

/** Oldest first; the last one's offset is where the state stands. */
export type CheckpointChain = readonly CheckpointName[]

/** Every complete chain, the one that reaches farthest first; of those that end together the shortest first. */
export const chainsOf = (names: readonly CheckpointName[]): readonly CheckpointChain[] => {
  const byOffset = Map.groupBy(names, ({ offset }) => offset)
  const endingIn = (last: CheckpointName): CheckpointChain[] => {
    if (last.follows === null) return [[last]]
    return (byOffset.get(last.follows) ?? [])
      .filter(({ offset }) => offset < last.offset)
      .flatMap((before) => endingIn(before).map((chain) => [...chain, last]))
  }
  return names
    .flatMap(endingIn)
    .sort((a, b) => (b.at(-1) as CheckpointName).offset - (a.at(-1) as CheckpointName).offset || a.length - b.length)
}

/** What may go once `keep` whole ones are kept: everything before the oldest of those. */
export const superseded = (names: readonly CheckpointName[], keep: number): readonly CheckpointName[] => {
  const whole = names.filter(({ follows }) => follows === null).map(({ offset }) => offset)
  const oldest = whole.sort((a, b) => b - a)[keep - 1]
  return oldest === undefined ? [] : names.filter(({ offset }) => offset < oldest)
}
