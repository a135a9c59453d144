/** An engine with everything the loop needs, in this process, over a temporary directory: real log, vault, registry, models and trainer. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorerApart } from '#scoring/load-apart.ts'
import type { CreditEvent, ProtectedEvent } from '#schemas/events.ts'
import type { Alert, ModelEvent, RetrainRequested } from '#schemas/monitoring-events.ts'
import { encodeAlert } from '#schemas/monitoring-wire.ts'
import { epochMs } from '#schemas/units.ts'
import { decodeEvent, encodeEvent } from '#schemas/wire.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { type EmbeddedEventLog, openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { openStateStore } from '#streams/embedded/state-store.ts'
import { openVault } from '#streams/embedded/vault.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import { silentLogger } from '#streams/logger.ts'
import { partitionOf } from '#streams/murmur2.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import { SwappableDecider } from '#streams/swappable-decider.ts'
import { appendModelEvent, ModelEventReader } from '../../cli/retrain/model-events.ts'
import { ModelWatcher } from '../../cli/retrain/model-watcher.ts'
import { RetrainLoop } from '../../cli/retrain/retrain-loop.ts'
import type { TrainingBudget } from '../../cli/retrain/training-child.ts'
import type { TrainingOrder } from '../../cli/retrain/training-order.ts'

const ROOT = join(import.meta.dirname, '../..')
const PARTITIONS = 4
const clock = { now: () => epochMs(Date.now()) }

export interface RetrainWorld {
  readonly dataDir: string
  readonly modelsDir: string
  readonly log: EmbeddedEventLog
  readonly engine: Engine
  readonly decider: SwappableDecider
  readonly watcher: ModelWatcher
  send(events: Iterable<CreditEvent>): Promise<void>
  protect(events: Iterable<ProtectedEvent>): Promise<void>
  alert(alert: Alert): Promise<void>
  /** A request as monitoring would emit it now. */
  request(id: string, inputOffsets?: readonly number[]): Promise<RetrainRequested>
  /** Observed outcomes below an offset of a partition. */
  outcomesBelow(partition: number, end: number): Promise<number>
  /** Starts a loop; `stop` ends it. */
  loop(promotion: 'manual' | 'gated', order?: Partial<TrainingOrder>, budget?: TrainingBudget, leads?: () => boolean): RetrainLoop
  modelEvents(): Promise<ModelEvent[]>
  /** The first event of the kinds that answers the request. */
  answer(requestId: string, kinds: readonly ModelEvent['kind'][]): Promise<ModelEvent>
  close(): Promise<void>
}

const chunks = function* <Item>(items: Iterable<Item>, size: number): Generator<Item[]> {
  let chunk: Item[] = []
  for (const item of items) {
    chunk.push(item)
    if (chunk.length === size) {
      yield chunk
      chunk = []
    }
  }
  if (chunk.length > 0) yield chunk
}

export const openRetrainWorld = async (): Promise<RetrainWorld> => {
  const root = mkdtempSync(join(tmpdir(), 'scorestream-retrain-'))
  const [dataDir, modelsDir] = [join(root, 'data'), join(root, 'models')]
  mkdirSync(dataDir)
  cpSync(join(ROOT, 'models'), modelsDir, { recursive: true })
  agreeOnFormat(dataDir, { partitions: PARTITIONS })
  const log = openEventLog({
    folder: join(dataDir, 'log'),
    partitions: topicPartitions(PARTITIONS),
    clock,
    durability: 'process-kill',
    logger: silentLogger,
  })
  const state = openStateStore({ folder: join(dataDir, 'state') })
  const vault = openVault(join(dataDir, 'vault'))
  const now = (): number => performance.now()
  const policyPath = join(modelsDir, 'policy.yaml')
  const load = (bundleDir: string) => loadScorerApart({ bundleDir, policyPath, featureSet: creditFeatureSet, now, turn: setImmediate })
  const decider = new SwappableDecider(await load(resolve(modelsDir, 'credit@champion').directory))
  const failures: unknown[] = []
  const engine = createEngine({
    log,
    state,
    featureSet: creditFeatureSet,
    decider,
    clock,
    monotonicUs: () => performance.now() * 1000,
    logger: silentLogger,
    owner: 'test',
    host: 'test',
    runtime: 'test',
    onStopped: (failure) => failures.push(failure),
  })
  await engine.start()
  const watcher = new ModelWatcher({
    modelsDir,
    reference: 'credit@champion',
    engine,
    decider: () => decider,
    log,
    clock,
    logger: silentLogger,
    load,
    changed: () => Promise.resolve(),
  })
  await watcher.start()
  const loops: RetrainLoop[] = []
  const modelEvents = (): Promise<ModelEvent[]> => new ModelEventReader(log).read()
  return {
    dataDir,
    modelsDir,
    log,
    engine,
    decider,
    watcher,
    async send(events) {
      for (const chunk of chunks(events, 512))
        await log.append(
          'credit-events',
          chunk.map((event) => {
            const key = Buffer.from(event.applicantId)
            return { partition: partitionOf(key, PARTITIONS), key, value: encodeEvent(event) }
          }),
        )
      await engine.drain()
      if (failures.length > 0) throw failures[0]
    },
    async protect(events) {
      for (const chunk of chunks(events, 64))
        await Promise.all(
          chunk.map((event) =>
            vault.put({
              subject: event.applicantId,
              producer: event.producer,
              eventId: event.eventId,
              attributes: event.attributes,
              bytes: Buffer.from(event.eventId),
            }),
          ),
        )
    },
    async alert(alert) {
      await log.append('alerts', [{ partition: 0, key: Buffer.from(alert.alertId), value: encodeAlert(alert) }])
    },
    async request(id, inputOffsets = log.end('credit-events')) {
      const request: RetrainRequested = {
        kind: 'retrain-requested',
        requestId: id,
        requestedAt: clock.now(),
        modelVersion: decider.modelVersion,
        alertIds: [],
        cause: 'population-shift',
        features: [],
        segment: null,
        inputOffsets: [...inputOffsets],
        outcomesSeen: 0,
        detail: 'a test asks for it',
      }
      await appendModelEvent(log, request)
      return request
    },
    async outcomesBelow(partition, end) {
      let count = 0
      for (let next = 0; next < end;)
        for (const record of await log.read('credit-events', partition, next, 1_000_000)) {
          next = record.offset + 1
          const parsed = decodeEvent(record.value)
          if (record.offset < end && parsed.kind === 'accepted' && parsed.value.kind === 'outcome') count++
        }
      return count
    },
    loop(promotion, order = {}, budget = { heapMebibytes: 512, seconds: 240 }, leads = () => true) {
      const { time, dedupe } = PIPELINE_DEFAULTS
      const loop = new RetrainLoop({
        log,
        clock,
        logger: silentLogger,
        order: {
          dataDir,
          modelsDir,
          learner: 'lightgbm',
          device: 'auto',
          plan: 'quick',
          threads: 1,
          // Tests share the machine with each other: behind all of them it would never end.
          priority: 'low',
          rowsMax: 60_000,
          time,
          dedupe,
          fairness: { groupMin: 100, outcomesMin: 30, ratioMin: 0.8, opportunityGapMax: 0.1 },
          ...order,
        },
        budget,
        promotion,
        champion: () => decider.modelVersion,
        leads,
        changed: () => watcher.look(),
        liveParity: () => ({ values: 14_000, mismatches: 0 }),
        parityBudget: 0,
      })
      loops.push(loop)
      loop.start()
      return loop
    },
    modelEvents,
    async answer(requestId, kinds) {
      for (;;) {
        const found = (await modelEvents()).find(
          (event) => kinds.includes(event.kind) && 'requestId' in event && event.requestId === requestId,
        )
        if (found !== undefined) return found
        await new Promise((done) => setTimeout(done, 50))
      }
    },
    async close() {
      for (const loop of loops) await loop.stop()
      await watcher.stop()
      await engine.stop()
      await log.close()
      await state.close()
      await vault.close()
      rmSync(root, { recursive: true })
    },
  }
}
