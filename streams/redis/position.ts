/**
 * Where a partition stands, as one field of its hash: states and position can be lost, moved or rolled back only together. Text, so that
 * `HGET key @position` tells a person. Applicant ids never hold an `@`.
 *
 * `epoch offset decisions-offset chain-hash from generation`; `from` is where the last commit began, so that a commit whose reply was lost is
 * known again.
 */
import { TerminalFailure } from '../failure.ts'
import type { PartitionState, StateCommit } from '../ports.ts'

export const POSITION_FIELD = '@position'

export interface StoredPartition extends PartitionState {
  readonly generation: string
}

export const positionText = (state: PartitionState, from: number, generation: string): string =>
  `${state.epoch} ${state.offset} ${state.decisionsOffset} ${state.chainHash} ${from} ${generation}`

export const commitText = (commit: StateCommit, generation: string): string =>
  positionText({ ...commit, offset: commit.to }, commit.from, generation)

const SHAPE = /^(-?\d{1,16}) (\d{1,16}) (\d{1,16}) ([0-9a-f]{64}) (-?\d{1,16}) (\S+)$/

export const parsePosition = (text: string, where: string): StoredPartition => {
  const [, epoch, offset, decisionsOffset, chainHash, , generation] = SHAPE.exec(text) ?? []
  if (chainHash === undefined || generation === undefined)
    throw new TerminalFailure(
      'state-corrupt',
      `${where}: ${POSITION_FIELD} is ${JSON.stringify(text.slice(0, 120))}, no position of a partition. State is a cache: delete the key, and the engine rebuilds it.`,
    )
  return { epoch: Number(epoch), offset: Number(offset), decisionsOffset: Number(decisionsOffset), chainHash, generation }
}
