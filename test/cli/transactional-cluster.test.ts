/** An engine that publishes in transactions on Kafka, killed between publishing and committing, and its successor. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { eventToJson } from '#schemas/parse-event.ts'
import { epochMs } from '#schemas/units.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { launchEngine, startEngine } from '../crash/engine-process.ts'
import { readTopic } from '../kafka/committed.ts'
import { testSettings } from '../kafka/settings.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { application } from '../streams/support/embedded.ts'
import { scorestream } from './command-line.ts'

const kafka = await kafkaServer()
const PARTITIONS = 2
const APPLICANTS = 24
it.skipIf(kafka.kind === 'absent')(
  'killed between publishing and committing, an engine leaves nothing to be read; its successor decides each application once, without a repeat',
  { timeout: 120_000 },
  async () => {
    if (kafka.kind === 'absent') return
    const folder = mkdtempSync(join(tmpdir(), 'scorestream-transactions-'))
    const configFile = join(folder, 'cluster.yaml')
    const { brokers, topicPrefix, replicas, minInsyncReplicas } = testSettings(kafka.brokers)
    const settings = { brokers, topicPrefix, replicas, minInsyncReplicas, transactionalDecisions: true, group: { id: topicPrefix } }
    writeFileSync(configFile, stringify({ log: { kind: 'kafka', partitions: PARTITIONS, kafka: settings }, warehouse: { kind: 'off' } }))
    const dataDir = join(folder, 'engine')
    const options = { arguments: ['--config', configFile] }
    const doomed = launchEngine(dataDir, {
      ...options,
      nodeOptions: ['--import', join(import.meta.dirname, '../kafka/end-at-commit-child.ts')],
      environment: { END_AT_COMMIT: 'before' },
    })
    const http = await doomed.ready
    // From here on no commit leaves, and all of them are of decisions: the claims are made.
    const claimed = async () => (await (await fetch(`${http}/readyz`)).text()).includes(`works on ${PARTITIONS} partitions`)
    await expect.poll(claimed, { timeout: 60_000 }).toBe(true)
    doomed.child.kill('SIGUSR2')
    const producer = new Kafka({ clientId: 'other', brokers: [...brokers], logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    const messages = Array.from({ length: APPLICANTS }, (_, n) => {
      const event = application(`c-${n}`, 1, { eventTime: epochMs(Date.now() - 1_000), currency: 'TWD' })
      return { key: `c-${n}`, value: JSON.stringify(eventToJson(event)) }
    })
    await producer.send({ topic: `${topicPrefix}credit-events`, messages })
    await producer.disconnect()
    await doomed.ended
    expect(doomed.child.signalCode).toBe('SIGKILL')

    const successor = await startEngine(dataDir, options)
    const verified = async () =>
      JSON.parse((await scorestream(['verify-chain', '--json', '--config', configFile, '--data-dir', dataDir])).stdout) as unknown
    await expect.poll(verified, { timeout: 60_000, interval: 500 }).toMatchObject({ holds: true, decisions: APPLICANTS })
    const decided = (values: readonly string[]): string[] =>
      values.flatMap((value) => {
        const found = decodeDecisionRecord(Buffer.from(value, 'latin1'))
        return found.kind === 'decision' ? [found.decision.body.applicantId] : []
      })
    const read = (readUncommitted: boolean, count: number) =>
      readTopic(brokers, `${topicPrefix}decisions`, { readUncommitted, until: (values) => decided(values).length >= count }).then(decided)
    const everyone = messages.map(({ key }) => key).toSorted()
    // What the first one published is there for whoever asks for uncommitted records.
    expect((await read(true, APPLICANTS + 1)).length).toBeGreaterThan(APPLICANTS)
    expect((await read(false, APPLICANTS)).toSorted()).toEqual(everyone)
    expect(await successor.end()).toBe(0)
    rmSync(folder, { recursive: true, force: true })
  },
)
