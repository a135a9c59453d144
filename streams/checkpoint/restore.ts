/** Puts the newest usable checkpoint of a partition back into its store. */
import { StaleCommit, TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import type { PartitionState } from '../ports.ts'
import { chainsOf, type CheckpointChain } from './chain.ts'
import { decodeCheckpoint } from './format.ts'
import type { CheckpointFacts, CheckpointName, CheckpointStore, CopyableStateStore, RecordPage } from './ports.ts'

export interface RestorePorts {
  readonly store: CopyableStateStore
  readonly checkpoints: CheckpointStore
  readonly facts: CheckpointFacts
  readonly logger: Logger
}

/**
 * Where a checkpoint stands beyond the store (which lost writes, or everything), it takes the store's place under the claimed epoch. Damaged
 * checkpoints are passed over, loudly; where none is left the store's own position stands, and the log is folded from there.
 */
export const restoreBehind = async (partition: number, stored: PartitionState, ports: RestorePorts): Promise<PartitionState> => {
  const { checkpoints, logger } = ports
  for (const chain of chainsOf(await checkpoints.list(partition))) {
    const { offset } = chain.at(-1) as CheckpointName
    if (offset <= stored.offset) break
    logger.warn(
      { partition, stored: stored.offset, checkpoint: offset },
      'the state store lost what it once held; putting a checkpoint back',
    )
    try {
      const restored = await replace(partition, chain, stored.epoch, ports)
      logger.warn({ partition, offset }, 'the checkpoint is in force; the log is folded from there')
      return restored
    } catch (failure) {
      if (failure instanceof StaleCommit || !(failure instanceof TerminalFailure) || failure.code !== 'checkpoint-corrupt') throw failure
      logger.error({ partition, reason: failure.message }, 'a checkpoint is passed over; an earlier one is tried')
    }
  }
  return stored
}

const whereOf = ({ partition, offset }: CheckpointName): string => `the checkpoint of partition ${partition} at ${offset}`

const replace = async (
  partition: number,
  chain: CheckpointChain,
  epoch: number,
  { store, checkpoints, facts }: RestorePorts,
): Promise<PartitionState> => {
  let reached: PartitionState | undefined
  async function* pages(): AsyncGenerator<RecordPage> {
    for (const name of chain) reached = { ...(yield* decodeCheckpoint(checkpoints.read(name), facts, whereOf(name))), epoch }
  }
  const state = (): PartitionState => reached as PartitionState
  await store.replace(partition, pages(), state)
  return state()
}
