import { afterAll, beforeAll, expect, it } from 'vitest'
import { epochMs } from '#schemas/units.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import type { EventLog, StateStore } from '#streams/ports.ts'
import { openRedisState } from '#streams/redis/state-store.ts'
import { replayDecision } from '#streams/replay.ts'
import { testSettings } from '../kafka/settings.ts'
import { settingsFor } from '../redis/open-store.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { startRedis, type RedisServer } from '../servers/redis.ts'
import { redisBinary } from '../servers/redis-binary.ts'
import { decisionsIn, PARTITIONS, put, T0 } from './support/embedded.ts'
import { handOwnership, type HandOwnership } from './support/hand-ownership.ts'
import { auditDecisions } from './support/linked-audit.ts'
import { linkedDecider, linkedEvents, linkedSet, updatesIn } from './support/linked-world.ts'

const kafka = await kafkaServer()

if (kafka.kind === 'absent') it.skip(`linked entities on Kafka and Redis (${kafka.reason})`, () => {})
else if (redisBinary().kind !== 'ready') it.skip('linked entities on Kafka and Redis (no redis-server)', () => {})
else {
  const settings = testSettings(kafka.brokers)
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.destroy())

  interface Member {
    readonly engine: Engine
    readonly log: EventLog
    readonly hand: HandOwnership
    readonly failures: unknown[]
    close(): Promise<void>
  }

  /** A process of its own in everything but the process. */
  const join = async (owner: string): Promise<Member> => {
    const log = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
    const store = (featureSetHash: string, generation: string): Promise<StateStore> =>
      openRedisState({
        settings: settingsFor({ addresses: redis.address }),
        partitions: PARTITIONS,
        featureSetHash,
        generation,
        logger: silentLogger,
      })
    const ids = log.topicIds()
    const state = await store(linkedSet.hash, ids['credit-events'])
    const linkedState = await store(linkedSet.linkedHash, ids['linked-entities'])
    const hand = handOwnership()
    const failures: unknown[] = []
    const engine = createEngine({
      log,
      state,
      linkedState,
      featureSet: linkedSet,
      decider: linkedDecider,
      clock: { now: () => epochMs(T0 + 1_000_000) },
      monotonicUs: () => performance.now() * 1000,
      logger: silentLogger,
      owner,
      host: owner,
      runtime: 'test',
      ownership: hand,
      settings: { commitAfterMs: 5, retakeAfterMs: 5 },
      onStopped: (failure) => failures.push(failure),
    })
    await engine.start()
    const close = async () => {
      await engine.stop()
      await Promise.all([log.close(), state.close(), linkedState.close()])
    }
    return { engine, log, hand, failures, close }
  }

  it(
    'on Kafka and Redis, over two engines and a takeover, decisions read what was told, each telling counts once, and replay agrees',
    { timeout: 120_000 },
    async () => {
      const [one, other] = [await join('one'), await join('other')]
      await one.hand.listener.assigned([0, 1])
      await other.hand.listener.assigned([2])
      const events = linkedEvents(31, 240)
      const feed = async (from: number, to: number) => {
        for (let at = from; at < to; at += 20) {
          await put(one.log, ...events.slice(at, Math.min(to, at + 20)))
          for (const { engine, log } of [one, other]) {
            await log.refresh('credit-events', [0, 1, 2])
            await engine.drain()
          }
          // What the other told these partitions since.
          for (const { engine, log } of [one, other]) {
            await log.refresh('linked-entities', [0, 1, 2])
            await engine.linked!.drain()
          }
        }
      }
      await feed(0, 120)
      await one.hand.listener.revoked([1])
      await other.hand.listener.assigned([1])
      await feed(120, 180)
      // Lost, not handed over: what it had under way is told again by the next owner.
      await put(one.log, ...events.slice(180, 200))
      await one.hand.listener.lost([0])
      await other.hand.listener.assigned([0])
      await feed(200, 240)

      const auditor = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
      const ids = new Set(events.flatMap((event) => (event.kind === 'application' ? [event.applicationId] : [])))
      const decisions = await decisionsIn(auditor)
      expect(new Set(decisions.map(({ body }) => body.applicationId))).toEqual(ids)
      expect(await auditDecisions(auditor)).toBeGreaterThan(60)
      const told = await updatesIn(auditor)
      const named = events.flatMap((event) =>
        event.kind === 'application'
          ? [event.deviceId, event.employerId, event.addressId].filter(Boolean).map((id) => `${id} ${event.applicationId}`)
          : [],
      )
      expect(told.map(({ key, application }) => `${key.split(':')[1]} ${application.applicationId}`).toSorted()).toEqual(
        [...new Set(named)].toSorted(),
      )
      const parts = {
        log: auditor,
        featureSet: linkedSet,
        decider: linkedDecider,
        time: PIPELINE_DEFAULTS.time,
        dedupe: PIPELINE_DEFAULTS.dedupe,
      }
      for (const { body } of decisions.slice(-20))
        expect(await replayDecision(`${body.partition}-${body.offset}`, parts)).toMatchObject({ kind: 'same' })
      expect([...one.failures, ...other.failures]).toEqual([])
      await auditor.close()
      await one.close()
      await other.close()
    },
  )
}
