/**
 * Log, state and ownership as the configuration names them. Everything else of an engine is the same on one machine and on a cluster. The
 * clients of a cluster’s servers (370 modules) are loaded where they are used.
 */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { CheckpointedStateStore } from '#streams/checkpoint/checkpointed-store.ts'
import { FolderCheckpoints } from '#streams/checkpoint/folder-checkpoints.ts'
import { type EmbeddedLogOptions, openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { openStateStore, STATE_FORMAT } from '#streams/embedded/state-store.ts'
import { notedTopicIds, noteTopicIds } from '#streams/kafka/noted-topics.ts'
import { ownAll } from '#streams/own-all.ts'
import type { Clock, EventLog, Ownership, StateStore } from '#streams/ports.ts'
import { checkpointSettings } from './checkpoint-settings.ts'
import type { Config } from './config.ts'

const DAY_MS = 86_400_000

export interface Adapters {
  readonly log: EventLog
  readonly state: StateStore
  readonly ownership: Ownership
  /** Whether other processes append to the log and decide, too. */
  readonly shared: boolean
  /** Folder of the log where it lies on this machine. */
  readonly logFolder: string | undefined
}

export interface AdapterArguments {
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  /** Taking part ended by itself. */
  readonly failed: (failure: unknown) => void
  /** Told how to close each part, as soon as it is open. */
  readonly opened: (close: () => Promise<void>) => void
}

export const openAdapters = (given: AdapterArguments): Promise<Adapters> =>
  given.config.log.kind === 'kafka' ? onKafka(given) : embedded(given)

/** Nothing goes that the state or the warehouse has not finished with. */
const retentionOf = ({ retention, warehouse, monitoring }: Config): Pick<EmbeddedLogOptions, 'retention'> => {
  if (retention.days === null) return {}
  const ageMsMax = retention.days * DAY_MS
  const reader = warehouse.kind === 'off' ? [] : ['warehouse', ...(monitoring.enabled ? ['monitoring'] : [])]
  const searcher = warehouse.kind === 'off' ? [] : ['revisions']
  return {
    retention: {
      'credit-events': { ageMsMax, consumers: ['state', ...reader, ...searcher] },
      decisions: { ageMsMax, consumers: ['state', ...reader] },
    },
  }
}

const embedded = async ({ config, clock, logger, opened }: AdapterArguments): Promise<Adapters> => {
  const logFolder = join(config.dataDir, 'log')
  const log = openEventLog({
    folder: logFolder,
    partitions: topicPartitions(config.log.partitions),
    clock,
    durability: config.durability,
    logger,
    ...retentionOf(config),
  })
  opened(() => log.close())
  const state = embeddedState(config, '')
  opened(() => state.close())
  return { log, state, ownership: ownAll(config.log.partitions), shared: false, logFolder }
}

/** Another feature set, or another log, begins with an empty store of its own: it refolds the log and adopts every published decision. */
const embeddedState = (config: Config, logId: string): StateStore =>
  openStateStore({ folder: join(config.dataDir, 'state', `${creditFeatureSet.hash.slice(0, 12)}-${STATE_FORMAT}${logId && `-${logId}`}`) })

const onKafka = async ({ config, logger, failed, opened }: AdapterArguments): Promise<Adapters> => {
  const [{ openKafkaLog }, { kafkaOwnership }] = await Promise.all([
    import('#streams/kafka/event-log.ts'),
    import('#streams/kafka/ownership.ts'),
  ])
  const { partitions, kafka } = config.log
  const expectedTopicIds = notedTopicIds(config.dataDir, kafka)
  const log = await openKafkaLog({ settings: kafka, partitions, logger, expectedTopicIds, writesEvents: true })
  opened(() => log.close())
  noteTopicIds(config.dataDir, kafka, log.topicIds())
  const generation = log.topicIds()['credit-events']
  const state = config.state.kind === 'redis' ? await redisState(config, generation, logger) : embeddedState(config, generation)
  opened(() => state.close())
  const ownership = kafkaOwnership({ settings: kafka, partitions, logger, onFailed: failed })
  return { log, state, ownership, shared: true, logFolder: undefined }
}

const redisState = async ({ dataDir, log, state }: Config, generation: string, logger: Logger): Promise<StateStore> => {
  const { openRedisState } = await import('#streams/redis/state-store.ts')
  const facts = { partitions: log.partitions, featureSetHash: creditFeatureSet.hash, generation }
  const store = await openRedisState({ settings: state.redis, ...facts, logger })
  // A new feature set or number of partitions has checkpoints of its own, beside the old ones.
  const folder = join(state.checkpointsDir ?? join(dataDir, 'checkpoints'), `${facts.featureSetHash.slice(0, 12)}-${facts.partitions}`)
  const checkpoints = new FolderCheckpoints(folder, `${hostname()}-${process.pid}`)
  return new CheckpointedStateStore({ store, checkpoints, facts, logger, settings: checkpointSettings(state) })
}
