/**
 * Log, state and ownership as the configuration names them. Everything else of an engine is the same on one machine and on a cluster. The
 * clients of a cluster’s servers (370 modules) are loaded where they are used.
 */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { FeatureSet } from '#features/feature-set.ts'
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

/** Where the states of one feature set are kept. */
export interface SetStores {
  readonly state: StateStore
  /** Devices, employers and addresses; absent where the set reads none. */
  readonly linkedState?: StateStore
}

export interface Adapters {
  readonly log: EventLog
  /** The stores of a set: opened when first asked for, the same ones from then on. */
  readonly storesOf: (set: FeatureSet) => Promise<SetStores>
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
  const storesOf = openedOnce((name) => Promise.resolve(embeddedState(config, name, '')), opened)
  return { log, storesOf, ownership: ownAll(config.log.partitions), shared: false, logFolder }
}

/** First part of the names of a feature set's state folders. */
export const stateFolder = (featureSetHash: string): string => `${featureSetHash.slice(0, 12)}-${STATE_FORMAT}`

interface StoreName {
  readonly of: 'applicants' | 'linked'
  readonly set: FeatureSet
}

/** The two stores of a set never share a name. */
const hashOf = ({ of, set }: StoreName): string =>
  of === 'linked' ? createHash('sha256').update(`linked entities of ${set.hash}`).digest('hex') : set.hash

const openedOnce = (open: (name: StoreName) => Promise<StateStore>, opened: AdapterArguments['opened']): Adapters['storesOf'] => {
  const held = new Map<string, Promise<SetStores>>()
  const store = async (name: StoreName): Promise<StateStore> => {
    const state = await open(name)
    opened(() => state.close())
    return state
  }
  const openAll = async (set: FeatureSet): Promise<SetStores> => {
    const state = await store({ of: 'applicants', set })
    return set.linked === undefined ? { state } : { state, linkedState: await store({ of: 'linked', set }) }
  }
  return (set) => {
    const stores = held.get(set.hash) ?? openAll(set)
    held.set(set.hash, stores)
    return stores
  }
}

/** Another feature set, or another log, begins with an empty store of its own: it refolds the log and adopts every published decision. */
const embeddedState = ({ dataDir }: Config, { of, set }: StoreName, logId: string): StateStore =>
  openStateStore({ folder: join(dataDir, 'state', `${stateFolder(set.hash)}${of === 'linked' ? '-linked' : ''}${logId && `-${logId}`}`) })

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
  const ids = log.topicIds()
  const storesOf = openedOnce(async (name) => {
    const generation = ids[name.of === 'linked' ? 'linked-entities' : 'credit-events']
    return config.state.kind === 'redis' ? redisState(config, hashOf(name), generation, logger) : embeddedState(config, name, generation)
  }, opened)
  const ownership = kafkaOwnership({ settings: kafka, partitions, logger, onFailed: failed })
  return { log, storesOf, ownership, shared: true, logFolder: undefined }
}

const redisState = async (
  { dataDir, log, state }: Config,
  featureSetHash: string,
  generation: string,
  logger: Logger,
): Promise<StateStore> => {
  const { openRedisState } = await import('#streams/redis/state-store.ts')
  const facts = { partitions: log.partitions, featureSetHash, generation }
  const store = await openRedisState({ settings: state.redis, ...facts, logger })
  // A new feature set or number of partitions has checkpoints of its own, beside the old ones.
  const folder = join(state.checkpointsDir ?? join(dataDir, 'checkpoints'), `${facts.featureSetHash.slice(0, 12)}-${facts.partitions}`)
  const checkpoints = new FolderCheckpoints(folder, `${hostname()}-${process.pid}`)
  return new CheckpointedStateStore({ store, checkpoints, facts, logger, settings: checkpointSettings(state) })
}
