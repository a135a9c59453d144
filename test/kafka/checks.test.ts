import { describe, expect, it } from 'vitest'
import { judgeConfiguration, kafkaChecks } from '#streams/kafka/checks.ts'
import { KafkaCluster } from '#streams/kafka/cluster.ts'
import { openKafkaLog } from '#streams/kafka/event-log.ts'
import { TOPICS } from '#streams/topics.ts'
import { silentLogger } from '#streams/logger.ts'
import type { Topic } from '#streams/ports.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { testSettings } from './settings.ts'

const server = await kafkaServer()
const HOUR_MS = 3_600_000

describe('judging a topic’s settings', () => {
  const sound = {
    'message.timestamp.type': 'LogAppendTime',
    'cleanup.policy': 'delete',
    'min.insync.replicas': '2',
    'max.message.bytes': '2097152',
    'retention.ms': '-1',
    'retention.bytes': '-1',
  }
  const judged = (changes: object, hoursNeeded?: number, topic: Topic = 'credit-events') =>
    judgeConfiguration('topic t', new Map(Object.entries({ ...sound, ...changes })), 3, topic, {
      ...(hoursNeeded === undefined ? {} : { logNeeded: { ms: hoursNeeded * HOUR_MS, because: 'state.checkpointMinutes = 5' } }),
    }).map(({ state, detail }) => `${state}: ${detail}`)

  it('finds nothing wrong with what this adapter sets itself', () => {
    expect(judged({})).toEqual([])
  })

  it.each([
    [{ 'message.timestamp.type': 'CreateTime' }, /failure: message\.timestamp\.type/],
    [{ 'cleanup.policy': 'compact,delete' }, /failure: cleanup\.policy/],
    [{ 'min.insync.replicas': '1' }, /warning: min\.insync\.replicas/],
    [{ 'min.insync.replicas': '4' }, /failure: min\.insync\.replicas/],
    [{ 'max.message.bytes': '1000' }, /warning: max\.message\.bytes/],
    [{ 'retention.bytes': '100' }, /failure: retention\.bytes/],
    [{ 'unclean.leader.election.enable': 'true' }, /warning: unclean/],
  ])('%j is found', (changes, expected) => {
    expect(judged(changes).join('\n')).toMatch(expected)
  })

  it('refuses retention shorter than rebuilding from checkpoints needs, of the logs states are rebuilt from', () => {
    const week = { 'retention.ms': `${7 * 24 * HOUR_MS}` }
    expect(judged(week, 7 * 24)).toEqual([])
    for (const topic of ['credit-events', 'decisions'] as const)
      expect(judged(week, 7 * 24 + 1, topic).join()).toMatch(
        /failure: retention\.ms keeps 168\.0 h, and state\.checkpointMinutes = 5 needs 169\.0 h .*at least 608400000/,
      )
    expect(judged(week).join()).toMatch(/warning: .*no checkpoint/)
    expect(judged(week, 7 * 24 + 1, 'dead-letters')).toEqual([])
  })
})

if (server.kind === 'absent') it.skip(`checks of a broker (${server.reason})`, () => {})
else
  describe('checks of a broker', () => {
    it('say of topics that will be made so, and of those that were made that they suit', async () => {
      const settings = testSettings(server.brokers)
      const before = await kafkaChecks(settings, { partitions: 3 })
      expect(before.filter(({ detail }) => detail.includes('will be created'))).toHaveLength(TOPICS.length)
      const log = await openKafkaLog({ settings, partitions: 3, logger: silentLogger })
      await log.close()
      const after = await kafkaChecks(settings, { partitions: 3 })
      expect(after.filter(({ state }) => state === 'failure')).toEqual([])
      expect(after.find(({ check }) => check === 'kafka version')?.state).toBe('ok')
      const other = await kafkaChecks(settings, { partitions: 5 })
      expect(other.find(({ state }) => state === 'failure')?.detail).toMatch(/has 3 partitions, the configuration says 5/)
    })

    it('another count of partitions, or times set by producers, keep the log from opening and say what to do', async () => {
      const settings = testSettings(server.brokers)
      const log = await openKafkaLog({ settings, partitions: 3, logger: silentLogger })
      await log.close()
      await expect(openKafkaLog({ settings, partitions: 4, logger: silentLogger })).rejects.toMatchObject({
        code: 'partitions-changed',
        message: expect.stringMatching(/Set log\.partitions to 3/) as string,
      })
      const foreign = testSettings(server.brokers)
      const cluster = new KafkaCluster(foreign)
      await cluster.admin.createTopics({ topics: [`${foreign.topicPrefix}credit-events`], partitions: 3, replicas: 1 })
      await cluster.close()
      await expect(openKafkaLog({ settings: foreign, partitions: 3, logger: silentLogger })).rejects.toMatchObject({
        code: 'topic-unsuitable',
      })
    })

    it('a topic made anew under the same name is refused', async () => {
      const settings = testSettings(server.brokers)
      const log = await openKafkaLog({ settings, partitions: 3, logger: silentLogger })
      const expectedTopicIds = log.topicIds()
      await log.append('credit-events', [{ partition: 0, key: Buffer.from('a'), value: Buffer.from('b') }])
      await log.read('credit-events', 0, 0, 100)
      const cluster = new KafkaCluster(settings)
      await cluster.admin.deleteTopics({ topics: [`${settings.topicPrefix}credit-events`] })
      await expect
        .poll(() => log.read('credit-events', 0, 1, 100).catch((error: { code: string }) => error.code), { timeout: 10_000 })
        .toBe('topic-replaced')
      await log.close()
      await cluster.close()
      await expect(openKafkaLog({ settings, partitions: 3, logger: silentLogger, expectedTopicIds })).rejects.toMatchObject({
        code: 'topic-replaced',
      })
    })

    it('a broker that does not answer is a finding, not an exception', async () => {
      const [finding] = await kafkaChecks(testSettings(['127.0.0.1:9']), { partitions: 3 })
      expect(finding).toMatchObject({ check: 'kafka', state: 'failure' })
    })
  })
