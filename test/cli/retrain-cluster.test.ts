/** A successor trained by an engine on Kafka: on the topics’ own history and labels, up to the offsets of the request. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { resolve } from '#registry/resolve.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { ModelEvent } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import { encodeEvent } from '#schemas/wire.ts'
import { type KafkaEventLog, openKafkaLog } from '#streams/kafka/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { partitionOf } from '#streams/murmur2.ts'
import { appendModelEvent, ModelEventReader } from '../../cli/retrain/model-events.ts'
import { startEngine } from '../crash/engine-process.ts'
import { demoEvents } from '../evolution/publish-bundle.ts'
import { testSettings } from '../kafka/settings.ts'
import { kafkaServer } from '../servers/kafka.ts'
import { lightGbmPath } from '../training/native-library.ts'

const kafka = await kafkaServer()
const PARTITIONS = 3
const CLIENTS = 2_400
/** Of the input; later labels were not known at the request. */
const KNOWN = 0.8
const FOLDED_MS_MAX = 60_000
const ANSWERED_MS_MAX = 180_000

const partitionFor = ({ applicantId }: CreditEvent): number => partitionOf(Buffer.from(applicantId), PARTITIONS)

const send = async (log: KafkaEventLog, events: readonly CreditEvent[]): Promise<void> => {
  for (let from = 0; from < events.length; from += 2_000)
    await log.append(
      'credit-events',
      events
        .slice(from, from + 2_000)
        .map((event) => ({ partition: partitionFor(event), key: Buffer.from(event.applicantId), value: encodeEvent(event) })),
    )
}

const outcomesBelow = (events: readonly CreditEvent[], offsets: readonly number[]): number => {
  const next = offsets.map(() => 0)
  return events.filter((event) => {
    const partition = partitionFor(event)
    const offset = next[partition]!++
    return offset < offsets[partition]! && event.kind === 'outcome'
  }).length
}

const answerTo = async (log: KafkaEventLog, requestId: string): Promise<ModelEvent> => {
  const reader = new ModelEventReader(log)
  const events: ModelEvent[] = []
  const answer = async () => {
    // Another process appends it: nobody here follows the topic.
    await log.refresh('model-events', [0])
    events.push(...(await reader.read()))
    return events.find((event) => event.kind !== 'retrain-requested' && 'requestId' in event && event.requestId === requestId)
  }
  await expect.poll(answer, { timeout: ANSWERED_MS_MAX, interval: 200 }).toBeDefined()
  return (await answer())!
}

it.skipIf(kafka.kind === 'absent' || lightGbmPath === null)(
  'an engine on Kafka trains a successor from the topics: with the vectors it decided on, and the labels known at the request',
  { timeout: FOLDED_MS_MAX + ANSWERED_MS_MAX },
  async () => {
    if (kafka.kind === 'absent') return
    const root = mkdtempSync(join(tmpdir(), 'scorestream-retrain-cluster-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    const modelsDir = join(root, 'models')
    const configFile = join(root, 'cluster.yaml')
    cpSync(join(import.meta.dirname, '../../models'), modelsDir, { recursive: true })
    const settings = testSettings(kafka.brokers)
    const { brokers, topicPrefix, replicas, minInsyncReplicas } = settings
    writeFileSync(
      configFile,
      stringify({
        log: {
          kind: 'kafka',
          partitions: PARTITIONS,
          kafka: { brokers, topicPrefix, replicas, minInsyncReplicas, group: { id: topicPrefix } },
        },
        models: { dir: modelsDir },
        // Tests share the machine with each other: behind all of them it would never end.
        retrain: { plan: 'quick', priority: 'low' },
      }),
    )
    const starting = startEngine(join(root, 'engine'), { arguments: ['--config', configFile] })
    const events = demoEvents(0, CLIENTS)
    const engine = await starting
    onTestFinished(() => engine.kill())
    const log = await openKafkaLog({ settings, partitions: PARTITIONS, logger: silentLogger })
    onTestFinished(() => log.close())

    await send(log, events)
    const folded = async () => /^scorestream_lag_records 0$/m.test(await (await fetch(`${engine.http}/metrics`)).text())
    await expect.poll(folded, { timeout: FOLDED_MS_MAX, interval: 200 }).toBe(true)
    const inputOffsets = log.end('credit-events').map((end) => Math.floor(end * KNOWN))
    const champion = resolve(modelsDir, 'credit@champion').version
    await appendModelEvent(log, {
      kind: 'retrain-requested',
      requestId: 'on-kafka',
      requestedAt: epochMs(Date.now()),
      modelVersion: `credit@${champion}`,
      alertIds: [],
      cause: 'population-shift',
      features: [],
      segment: null,
      inputOffsets,
      outcomesSeen: 0,
      detail: 'a test asks for it',
    })

    const answer = await answerTo(log, 'on-kafka')
    expect(answer.kind, `${JSON.stringify(answer)}\n${engine.complaints()}`).toBe('model-trained')
    if (answer.kind !== 'model-trained') return
    const gates = new Map(answer.gates.map((gate) => [gate.gate, gate]))
    expect(gates.get('feature-parity')).toMatchObject({ state: 'passed', value: 0, detail: expect.stringMatching(/^0 of \d{2,} vectors/) })
    // Nobody posted protected attributes to this engine.
    expect(gates.get('four-fifths')).toMatchObject({ state: 'insufficient-evidence' })
    expect(resolve(modelsDir, answer.modelVersion).manifest.data.rows).toBe(outcomesBelow(events, inputOffsets))
  },
)
