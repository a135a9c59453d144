import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { personally } from '../../cli/attribution.ts'
import { promote } from '#registry/promote.ts'
import type { Decision } from '#schemas/decision.ts'
import { decodeLinkedUpdate } from '#schemas/linked-wire.ts'
import { decodeDecisionRecord, decodeEvent } from '#schemas/wire.ts'
import { topicPartitions } from '#streams/embedded/event-log.ts'
import { openReadOnly } from '#streams/embedded/event-log-follower.ts'
import { linkedSource } from '../../cli/retrain/linked-source.ts'
import { scorestream } from '../cli/command-line.ts'
import { startEngine } from '../crash/engine-process.ts'
import { Producer } from '../crash/producer.ts'
import { demoEvents, publishBundle } from './publish-bundle.ts'

const root = mkdtempSync(join(tmpdir(), 'scorestream-linked-'))
const [dataDir, modelsDir] = [join(root, 'data'), join(root, 'models')]
const environment = { SCORESTREAM_DATA_DIR: dataDir, SCORESTREAM_MODELS_DIR: modelsDir }
const id = ({ body }: Decision): string => `${body.partition}-${body.offset}`
/** Every client names one of a few devices: their applications are read off one another. */
const events = demoEvents(0, 60).map((event) => (event.kind === 'application' ? { ...event, deviceId: 'device-shared' } : event))
let decisions: Decision[]
let hypothetical: { featureSetHash: string; modelVersion: string }

beforeAll(async () => {
  cpSync(join(import.meta.dirname, '../../models'), modelsDir, { recursive: true })
  const version = await publishBundle('credit-linked-v1', modelsDir)
  promote(modelsDir, 'credit', version, 'champion', personally('a test', 0))
  const engine = await startEngine(dataDir, { environment })
  const producer = new Producer(events, { lanes: 1, lines: 20 })
  producer.pointAt(engine.http)
  await producer.run()
  const asked = events.findLast((event) => event.kind === 'application')!
  const answer = await fetch(`${engine.http}/v1/what-if`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      application: {
        applicantId: asked.applicantId,
        eventTime: new Date(asked.eventTime + 60_000).toISOString(),
        product: 'credit-line',
        amount: 100_000,
        currency: 'TWD',
        termMonths: 0,
        purpose: 'limit-increase',
        channel: 'account-review',
        deviceId: 'device-shared',
      },
    }),
  })
  hypothetical = (await answer.json()) as typeof hypothetical
  await engine.end()
  const log = openReadOnly({ folder: join(dataDir, 'log'), partitions: topicPartitions(12), topics: ['decisions'] })
  decisions = []
  for (let partition = 0; partition < 12; partition++)
    for (const { value } of await log.read('decisions', partition, 0, 1e9)) {
      const record = decodeDecisionRecord(value)
      if (record.kind === 'decision') decisions.push(record.decision)
    }
  await log.close()
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a bundle of the linked set is served with it, and capsules carry what was read of devices, and which version', () => {
  expect(decisions).toHaveLength(60)
  expect(new Set(decisions.map(({ body }) => body.featureSetHash))).toEqual(new Set([creditLinkedFeatureSet.hash]))
  const place = creditLinkedFeatureSet.features.findIndex(({ name }) => name === 'device.application.event.count.7d')
  const read = decisions.flatMap(({ body }) =>
    (body.linked ?? []).filter(({ entity }) => entity === 'device').map(({ version }) => ({ version, count: body.vector[place]! })),
  )
  expect(read).toHaveLength(60)
  expect(read.filter(({ version }) => version > 0).length).toBeGreaterThan(0)
  // Nothing known, nothing counted.
  for (const { version, count } of read) if (version === 0) expect(count).toBe(0)
})

test('each of its decisions comes out again, bit for bit, in a fresh process', { timeout: 60_000 }, async () => {
  const ids = decisions.filter((_, i) => i % 6 === 0).map(id)
  const { code, stdout } = await scorestream(['replay', '--json', ...ids], environment)
  expect(stdout.trimEnd().split('\n')).toHaveLength(ids.length)
  for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ result: 'same' })
  expect(code).toBe(0)
})

test('a what-if is answered by the same set', () => {
  expect(hypothetical).toMatchObject({ featureSetHash: creditLinkedFeatureSet.hash, modelVersion: decisions[0]!.body.modelVersion })
})

test('features lists the set of the bundle that decides, and says what it knows', async () => {
  const { stdout } = await scorestream(['features', '--json'], environment)
  expect(JSON.parse(stdout)).toMatchObject({ name: 'credit-linked-v1', hash: creditLinkedFeatureSet.hash })
})

test('training reads off the topic what a naive reader counts: everything told before the application itself', async () => {
  const log = openReadOnly({ folder: join(dataDir, 'log'), partitions: topicPartitions(12), topics: ['linked-entities'] })
  const history = await linkedSource(log, creditLinkedFeatureSet)
  const place = creditLinkedFeatureSet.features.findIndex(({ name }) => name === 'device.application.event.count.7d')
  const before: number[] = []
  for (let partition = 0; partition < 12; partition++)
    for (const { value } of await log.read('linked-entities', partition, 0, 1e9)) {
      const update = decodeLinkedUpdate(value)
      if (update.kind === 'rejected' || update.value.entity !== 'device') continue
      const told = decodeEvent(update.value.application)
      if (told.kind === 'rejected' || told.value.kind !== 'application') continue
      const asked = told.value
      const vector = new Float32Array(creditLinkedFeatureSet.size)
      history.write(asked, vector)
      const known = before.filter((at) => at < asked.eventTime && at > asked.eventTime - 7 * 86_400_000)
      expect(vector[place], asked.applicationId).toBe(Math.min(64, known.length))
      before.push(asked.eventTime)
    }
  expect(before).toHaveLength(60)
  await log.close()
})
