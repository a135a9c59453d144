/** Request → training in a process of its own → gates → promotion → exchange, over real logs, vault and bundles. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { creditV1Monotone, creditV1ReasonGroups } from '#features/definitions/credit-v1-reasons.ts'
import { readGateReport } from '#registry/gate-report.ts'
import { isHoldout } from '#registry/holdout.ts'
import { readPromotions } from '#registry/promotion-ledger.ts'
import { resolve } from '#registry/resolve.ts'
import type { CreditEvent, OutcomeEvent } from '#schemas/events.ts'
import type { Alert, Gate, ModelEvent } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { eventsFrom } from '#training/dataset.ts'
import { FeatureParity } from '#training/gates/feature-parity-gate.ts'
import { lightGbmLearner } from '#training/lightgbm/learner.ts'
import { openLightGbm } from '#training/lightgbm/lightgbm.ts'
import { seededRandom } from '#training/random.ts'
import { TAIWAN_SOURCE } from '#training/taiwan-source.ts'
import { train } from '#training/train.ts'
import { judgeSuccessor } from '../../cli/retrain/judge.ts'
import { lightGbmPath } from '../training/native-library.ts'
import { openRetrainWorld, type RetrainWorld } from './retrain-world.ts'

const CLIENTS = 7_000
const stream = demoStream(readFileSync(join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')))
const ours = ({ applicantId }: { readonly applicantId: string }): boolean => Number(applicantId.slice(3)) <= CLIENTS

/** The same outcomes, dealt to other applicants: to all, or only among those that may be learned from. */
const shuffled = (events: readonly CreditEvent[], which: (applicantId: string) => boolean): CreditEvent[] => {
  const random = seededRandom(4)
  const dealt = (event: CreditEvent): event is OutcomeEvent => event.kind === 'outcome' && which(event.applicantId)
  const labels = events.filter(dealt).map(({ label }) => label)
  for (let at = labels.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[labels[at], labels[other]] = [labels[other]!, labels[at]!]
  }
  let next = 0
  return events.map((event) => (dealt(event) ? { ...event, label: labels[next++]! } : event))
}

const gateOf = (gates: readonly Gate[], name: string): Gate | undefined => gates.find(({ gate }) => gate === name)
const trained = async (world: RetrainWorld, id: string): Promise<Extract<ModelEvent, { kind: 'model-trained' }>> =>
  (await world.answer(id, ['model-trained', 'training-failed'])) as Extract<ModelEvent, { kind: 'model-trained' }>

describe.skipIf(lightGbmPath === null)('a successor', { timeout: 240_000 }, () => {
  let world: RetrainWorld
  let shipped = ''
  beforeAll(async () => {
    world = await openRetrainWorld()
    shipped = world.decider.modelVersion
    await world.protect(stream.protectedEvents().filter(ours).take(400))
    await world.send(stream.events().filter(ours))
  }, 120_000)
  afterAll(() => world.close())

  test('is trained on the log, judged by every gate, and waits for a person where promotion is manual', async () => {
    const loop = world.loop('manual', { plan: 'quick' })
    await world.request('manual-1')
    const event = await trained(world, 'manual-1')
    await loop.stop()
    expect(event.parentVersion).toBe(shipped)
    expect(event.gates.map(({ gate }) => gate)).toEqual([
      'auc-above-chance',
      'auc-non-inferior',
      'calibration-slope',
      'calibration-intercept',
      expect.stringMatching(/^four-fifths/),
      expect.stringMatching(/^four-fifths/),
      expect.stringMatching(/^four-fifths/),
      'latency',
      'kernel-parity',
      'feature-parity',
      'live-parity',
    ])
    // Training saw the very vectors that were decided on.
    expect(gateOf(event.gates, 'feature-parity')).toMatchObject({
      state: 'passed',
      value: 0,
      detail: expect.stringMatching(/^0 of \d{2,} vectors/),
    })
    expect(gateOf(event.gates, 'kernel-parity')?.state).toBe('passed')
    const { directory, manifest } = resolve(world.modelsDir, event.modelVersion)
    expect(manifest.parent).toBe(shipped.slice(shipped.indexOf('@') + 1))
    expect(readGateReport(directory)).toMatchObject({ against: shipped, requestId: 'manual-1', gates: event.gates })
    expect(world.decider.modelVersion).toBe(shipped)
    expect(readPromotions(world.modelsDir, 'credit')).toEqual([])
  })

  test('knows only outcomes that lay below the offsets of the request', async () => {
    const loop = world.loop('manual', { plan: 'quick' })
    const inputOffsets = world.log.end('credit-events').map((end) => Math.floor(end * 0.7))
    await world.request('early', inputOffsets)
    const event = await trained(world, 'early')
    await loop.stop()
    const { manifest } = resolve(world.modelsDir, event.modelVersion)
    let known = 0
    for (const [partition, end] of inputOffsets.entries()) known += await world.outcomesBelow(partition, end)
    expect(manifest.data.rows).toBe(known)
    expect(known).toBeLessThan(CLIENTS * 0.7)
  })

  test('leaves out applicants touched by events of a producer whose data were in doubt', async () => {
    const at = Date.now()
    const doubt: Alert = {
      alertId: 'data-quality:taiwan',
      state: 'open',
      kind: 'data-quality',
      cause: 'unit-change',
      severity: 'page',
      raisedAt: epochMs(at),
      windowStart: epochMs(0),
      windowEnd: epochMs(1),
      subject: 'taiwan payment.amount',
      producer: 'taiwan-demo-synthetic-calendar',
      eventKind: 'payment',
      field: 'amount',
      modelVersion: null,
      segment: null,
      features: [],
      metric: 'median-log10-shift',
      value: 2,
      threshold: 0.8,
      pValue: null,
      n: 50,
      blocksRetraining: true,
      detail: 'a test doubts the last payments',
    }
    await world.alert(doubt)
    const loop = world.loop('manual', { plan: 'quick' })
    await world.request('doubt')
    const event = await trained(world, 'doubt')
    await loop.stop()
    await world.alert({ ...doubt, state: 'resolved', raisedAt: epochMs(at) })
    const { manifest } = resolve(world.modelsDir, event.modelVersion)
    expect(manifest.data.rows).toBeLessThan(CLIENTS)
    expect(manifest.data.rows).toBeGreaterThan(CLIENTS - 300)
  })

  test('of a request that the engine’s end interrupted is trained by the next engine', async () => {
    const first = world.loop('manual', { plan: 'quick' })
    await world.request('interrupted')
    while (first.status.kind !== 'training') await new Promise((done) => setTimeout(done, 5))
    await first.stop()
    expect(
      (await world.modelEvents()).some(
        (event) => 'requestId' in event && event.requestId === 'interrupted' && event.kind !== 'retrain-requested',
      ),
    ).toBe(false)
    const second = world.loop('manual', { plan: 'quick' })
    expect((await trained(world, 'interrupted')).kind).toBe('model-trained')
    await second.stop()
  })

  test('is left to the engine that leads, and answered by this one once it leads until the end', async () => {
    await world.request('older')
    await world.request('newer')
    // Another engine leads; then this one; another again when the training has ended; then this one for good.
    const said = [false, true, false]
    const loop = world.loop('manual', { plan: 'full' }, { heapMebibytes: 512, seconds: 1 }, () => said.shift() ?? true)
    expect(await world.answer('newer', ['model-trained', 'training-failed'])).toMatchObject({ code: 'out-of-time' })
    await loop.stop()
    expect(said).toEqual([])
    const answers = (await world.modelEvents()).flatMap((event) =>
      event.kind === 'training-failed' && ['older', 'newer'].includes(event.requestId ?? '') ? [`${event.requestId}: ${event.code}`] : [],
    )
    expect(answers).toEqual(['older: superseded', 'newer: out-of-time'])
  })

  test('that takes too long is ended and the request answered', async () => {
    const loop = world.loop('manual', { plan: 'full' }, { heapMebibytes: 512, seconds: 1 })
    await world.request('slow')
    expect(await world.answer('slow', ['model-trained', 'training-failed'])).toMatchObject({ kind: 'training-failed', code: 'out-of-time' })
    await loop.stop()
  })
})

describe.skipIf(lightGbmPath === null)('the gates', { timeout: 240_000 }, () => {
  const successorOf = async (which: (applicantId: string) => boolean) => {
    const out = mkdtempSync(join(tmpdir(), 'scorestream-shuffled-'))
    const events = shuffled([...stream.events().filter(ours)], which)
    // Lenders' figures under which even a model that knows nothing approves somebody: only the gates are left to refuse it.
    const economics = { margin: 0.6, lossGivenDefault: 0.4, reviewCost: 0.04 }
    const learner = lightGbmLearner(openLightGbm(lightGbmPath!))
    const options = { source: TAIWAN_SOURCE, featureSet: creditFeatureSet, monotone: creditV1Monotone, reasonGroups: creditV1ReasonGroups }
    const { directory, holdout } = await train({ ...options, events: eventsFrom(events), out, learner, economics, plan: 'quick' })
    const gates = await judgeSuccessor({
      successorDir: directory,
      championDir: resolve(join(import.meta.dirname, '../../models'), 'credit@champion').directory,
      featureSet: creditFeatureSet,
      holdout,
      presentSince: -Infinity,
      approvalRows: 1_000,
      parity: new FeatureParity(new Map()),
      groupsOf: () => undefined,
      vault: 'whole',
      fairness: { groupMin: 100, outcomesMin: 30, ratioMin: 0.8, opportunityGapMax: 0.1 },
      now: () => performance.now(),
    })
    rmSync(out, { recursive: true })
    return gates
  }
  test('fail a successor of which six in ten outcomes were shuffled: it ranks worse than the champion', async () => {
    const gates = await successorOf((applicantId) => !isHoldout(applicantId) && crc32(`shuffle ${applicantId}`) % 10 < 6)
    expect(gateOf(gates, 'auc-non-inferior')).toMatchObject({ state: 'failed' })
  })
  test.for([
    ['among those it learns from', (applicantId: string) => !isHoldout(applicantId)],
    ['among all, so that the champion is no better', () => true],
  ] as const)(
    'need not even judge where outcomes are shuffled %s: training refuses, and the champion goes on deciding',
    async ([, which]) => {
      const world = await openRetrainWorld()
      try {
        const shipped = world.decider.modelVersion
        await world.send(shuffled([...stream.events().filter(ours)], which))
        world.loop('gated', { plan: 'quick' })
        await world.request('shuffled')
        expect(await world.answer('shuffled', ['model-refused', 'model-promoted', 'training-failed'])).toMatchObject({
          kind: 'training-failed',
          code: 'no-separation',
          detail: expect.stringContaining('no feature separates goods from bads'),
        })
        await world.watcher.look()
        expect(world.decider.modelVersion).toBe(shipped)
        expect(readPromotions(world.modelsDir, 'credit')).toEqual([])
      } finally {
        await world.close()
      }
    },
  )
})
