/** Puts an event in again: through the engine that runs on the directory; where none runs, through one opened for the purpose, or into the topic. */
import { setTimeout as delay } from 'node:timers/promises'
import { parseEvent } from '#schemas/parse-event.ts'
import { partitionOf } from '#streams/murmur2.ts'
import type { IngestResult } from '#streams/ports.ts'
import type { ReplayEntry } from '#streams/dead-letters/journal.ts'
import type { Config } from '../config.ts'
import { readCredentials } from '../credentials.ts'
import { CommandError, EXIT } from '../exit.ts'
import { createLogger } from '../logger.ts'
import { findEngine } from '../running-engine.ts'

export interface Sent {
  readonly outcome: IngestResult['status']
  readonly position: IngestResult['position']
  readonly reason: string | null
}

export interface Sender {
  readonly via: ReplayEntry['via']
  send(bytes: Uint8Array): Promise<Sent>
  close(): Promise<void>
}

/** An overloaded engine is asked again this often, as it says when. */
const ATTEMPTS_MAX = 8
const RETRY_MS_MAX = 5_000

interface Answer {
  readonly status?: string
  readonly position?: { readonly partition: number; readonly offset: number } | null
  readonly code?: string
  readonly detail?: string
}

const judge = (status: number, answer: Answer): Sent => {
  if (status === 202 || status === 200)
    return { outcome: status === 200 ? 'duplicate' : 'accepted', position: answer.position ?? null, reason: null }
  const reason = `${answer.code ?? status}: ${answer.detail ?? 'no detail'}`
  if (status === 409) return { outcome: 'conflict', position: null, reason }
  if (status === 400 || status === 413 || status === 422) return { outcome: 'rejected', position: null, reason }
  const remedy = status === 401 || status === 403 ? '; name a file of tokens with a producer or operator in gateway.tokensFile' : ''
  throw new CommandError('engine-refused', `the engine answered ${status}, ${reason}${remedy}`, EXIT.unavailable)
}

const throughHttp = (url: string, config: Config): Sender => {
  const token = readCredentials(config.gateway.tokensFile).find(({ role }) => role !== 'reader')?.token
  const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  const post = async (bytes: Uint8Array): Promise<Response> => {
    try {
      return await fetch(`${url}/v1/events`, { method: 'POST', headers, body: Buffer.from(bytes) })
    } catch (cause) {
      throw new CommandError(
        'engine-away',
        `the engine at ${url} does not answer; what was replayed so far is recorded`,
        EXIT.unavailable,
        { cause },
      )
    }
  }
  return {
    via: 'http',
    async send(bytes) {
      for (let attempt = 1; ; attempt++) {
        const response = await post(bytes)
        const answer = (await response.json()) as Answer
        if (response.status !== 503 || attempt === ATTEMPTS_MAX) return judge(response.status, answer)
        await delay(Math.min(RETRY_MS_MAX, 1_000 * Number(response.headers.get('retry-after') ?? 1)))
      }
    },
    close: async () => {},
  }
}

const soundEvent = (bytes: Uint8Array) => {
  const parsed = parseEvent(bytes)
  if (parsed.kind === 'rejected') throw new Error(`an event that was found sound is not: ${parsed.rejection.detail}`)
  return parsed
}

/** Nothing but ingest and pipeline, on ports nobody knows; the log keeps everything, since no other reader is there to hold retention back. */
const throughDirectory = async (config: Config): Promise<Sender> => {
  const { openHost } = await import('../host.ts')
  const alone: Config = {
    ...config,
    gateway: { ...config.gateway, host: '127.0.0.1', port: 0 },
    warehouse: { ...config.warehouse, kind: 'off' },
    retention: { days: null },
  }
  const host = await openHost(alone, createLogger('warn'))
  return {
    via: 'directory',
    async send(bytes) {
      const [result] = await host.ingest([{ event: soundEvent(bytes).value, bytes }])
      if (result === undefined) throw new Error('ingest gave no result for an event')
      const reason = 'rejection' in result ? `${result.rejection.code}: ${result.rejection.detail}` : null
      return { outcome: result.status, position: result.position, reason }
    },
    close: () => host.close(),
  }
}

/** Whoever owns the partition recognises repeats and judges times; here nothing is known of states. */
const throughTopic = async ({ dataDir, log: { kafka, partitions } }: Config): Promise<Sender> => {
  const { openKafkaLog } = await import('#streams/kafka/event-log.ts')
  const { notedTopicIds } = await import('#streams/kafka/noted-topics.ts')
  const log = await openKafkaLog({
    settings: { ...kafka, createTopics: false },
    partitions,
    expectedTopicIds: notedTopicIds(dataDir, kafka),
    logger: createLogger('warn'),
    writesEvents: true,
  })
  return {
    via: 'topic',
    async send(bytes) {
      const { value: event } = soundEvent(bytes)
      if (event.kind === 'protected')
        return { outcome: 'rejected', position: null, reason: 'protected attributes go to the gateway: send them to POST /v1/events' }
      const key = Buffer.from(event.applicantId, 'latin1')
      const partition = partitionOf(key, partitions)
      const [offset] = await log.append('credit-events', [{ partition, key, value: log.format.encode(event) }])
      return { outcome: 'accepted', position: { partition, offset: offset as number }, reason: null }
    },
    close: () => log.close(),
  }
}

export const openSender = async (config: Config): Promise<Sender> => {
  const engine = findEngine(config.dataDir)
  if (engine !== undefined) return throughHttp(engine.http, config)
  return config.log.kind === 'kafka' ? throughTopic(config) : throughDirectory(config)
}
