/** The state store of a cluster as it is composed: Redis, and checkpoints of it in a directory. */
import { join } from 'node:path'
import { CheckpointedStateStore } from '../checkpoint/checkpointed-store.ts'
import { FolderCheckpoints } from '../checkpoint/folder-checkpoints.ts'
import { TerminalFailure } from '../failure.ts'
import { openRedisState, type RedisStateOptions } from './state-store.ts'

export interface CheckpointedRedisOptions extends RedisStateOptions {
  /** Tells this process's unfinished files from those of others. */
  readonly owner: string
}

/** {@link openRedisState}, checkpointed into `settings.checkpointDirectory`, which must be set. Each feature set has a folder of its own there. */
export const openCheckpointedRedis = async ({ owner, ...options }: CheckpointedRedisOptions): Promise<CheckpointedStateStore> => {
  const { settings, partitions, featureSetHash, generation, logger } = options
  const { checkpointDirectory, checkpointSeconds } = settings
  if (checkpointDirectory === undefined)
    throw new TerminalFailure('state-refused', 'state.redis.checkpointDirectory is not set: name a directory that all engines see')
  const folder = join(checkpointDirectory, `${settings.prefix}-${featureSetHash.slice(0, 12)}-${partitions}`)
  return new CheckpointedStateStore({
    store: await openRedisState(options),
    checkpoints: new FolderCheckpoints(folder, owner),
    facts: { partitions, featureSetHash, generation },
    logger,
    settings: { everyMs: checkpointSeconds * 1000 },
  })
}
