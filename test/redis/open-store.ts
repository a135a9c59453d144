/** A Redis state store for tests. */
import { Value } from 'typebox/value'
import { silentLogger } from '#streams/logger.ts'
import type { CopyableStateStore } from '#streams/checkpoint/ports.ts'
import { RedisSettings } from '#streams/redis/settings.ts'
import { openRedisState } from '#streams/redis/state-store.ts'

export const PARTITIONS = 12
export const FEATURE_SET = 'ab'.repeat(32)
export const GENERATION = 'topic-1'

export const settingsFor = (given: Partial<RedisSettings>): RedisSettings =>
  Value.Default(RedisSettings, { timeoutMs: 2000, ...given }) as RedisSettings

export const openStore = (given: Partial<RedisSettings>, generation = GENERATION): Promise<CopyableStateStore> =>
  openRedisState({ settings: settingsFor(given), partitions: PARTITIONS, featureSetHash: FEATURE_SET, generation, logger: silentLogger })
