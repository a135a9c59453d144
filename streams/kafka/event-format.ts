/** How events stand in an installation's input topic, and what is learned of it from the schema registry where there is one. */
import { setTimeout as delay } from 'node:timers/promises'
import type { EventFormat } from '#schemas/event-format.ts'
import { registerEventSchemas } from '#schemas/register-events.ts'
import { RegistryFailure, SchemaRegistry } from '#schemas/registry-client.ts'
import { SharedEventFormat } from '#schemas/shared-event-format.ts'
import { RetryableFailure, TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import type { LogRecord } from '../ports.ts'
import { type KafkaSettings, registryOptions } from './settings.ts'
import { topicName } from './topics.ts'

const RETRY_MS = 500

/**
 * Registers this build's schemas for those who write events: their records then carry the registry's ids, so that any client of the registry can
 * read them. Rejects where the registry is out of reach, or refuses them as incompatible.
 */
export const openEventFormat = async (settings: KafkaSettings, writesEvents: boolean): Promise<EventFormat> => {
  const options = registryOptions(settings)
  if (options === undefined) return new SharedEventFormat()
  const registry = new SchemaRegistry(options)
  if (!writesEvents) return new SharedEventFormat({ registry })
  try {
    return new SharedEventFormat({ registry, ids: await registerEventSchemas(registry, topicName('credit-events', settings)) })
  } catch (failure) {
    throw failure instanceof RegistryFailure
      ? new RetryableFailure('unreachable', `${failure.message}; event schemas must be registered before events are written`, failure)
      : new TerminalFailure('settings', (failure as Error).message, failure)
  }
}

export interface LearnPorts {
  readonly format: EventFormat
  readonly logger: Logger
  /** While the registry is away: readers that look again by themselves are told, others wait. */
  readonly registryAway: 'throws' | 'waits'
  readonly closed: () => boolean
}

/** Records as they were read, once they can be decoded; mostly at once. */
export const learned = (records: readonly LogRecord[], ports: LearnPorts): readonly LogRecord[] | Promise<readonly LogRecord[]> => {
  const learning = ports.format.learn(records)
  return learning === undefined ? records : learnInTheEnd(records, learning, ports)
}

const learnInTheEnd = async (
  records: readonly LogRecord[],
  learning: Promise<void> | undefined,
  { format, logger, registryAway, closed }: LearnPorts,
): Promise<readonly LogRecord[]> => {
  for (let under = learning; under !== undefined; under = format.learn(records))
    try {
      await under
    } catch (failure) {
      if (!(failure instanceof RegistryFailure)) throw failure
      if (registryAway === 'throws') throw new RetryableFailure('unreachable', failure.message, failure)
      if (closed()) throw new TerminalFailure('closed', 'the log was closed while the schema registry was asked')
      logger.warn({ reason: failure.message }, 'records of a schema not seen before wait for the schema registry')
      await delay(RETRY_MS)
    }
  return records
}
