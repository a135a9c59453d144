import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { creditV1Monotone, creditV1ReasonGroups } from '#features/definitions/credit-v1-reasons.ts'
import { isHoldout } from '#registry/holdout.ts'
import { resolve } from '#registry/resolve.ts'
import type { CreditEvent, OutcomeEvent } from '#schemas/events.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import type { TreeLearner } from '#training/boosted-trees.ts'
import { eventsFrom, replay } from '#training/dataset.ts'
import { lightGbmLearner } from '#training/lightgbm/learner.ts'
import { openLightGbm } from '#training/lightgbm/lightgbm.ts'
import { TAIWAN_SOURCE } from '#training/taiwan-source.ts'
import { train, type TrainOptions } from '#training/train.ts'
import type { TrainingProgress } from '#training/training-report.ts'
import { lightGbmPath } from './native-library.ts'

const CLIENTS = 2500
const stream = demoStream(readFileSync(join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')))
/** Every event of the first clients, in log order. */
const events = (clients = CLIENTS): CreditEvent[] =>
  stream
    .events()
    .filter(({ applicantId }) => Number(applicantId.slice(3)) <= clients)
    .toArray()
const known = events()

describe('the dataset', () => {
  test('has one row per application with an outcome, split by the fixed hash', () => {
    const data = replay(known, creditFeatureSet)
    expect(data.training.rows + data.holdout.rows).toBe(CLIENTS)
    expect(data.training.applicantIds.some(isHoldout)).toBe(false)
    expect(data.holdout.applicantIds.every(isHoldout)).toBe(true)
  })
  test('does not depend on how clients interleave', () => {
    const byClient = known.toSorted((a, b) => (a.applicantId < b.applicantId ? -1 : a.applicantId > b.applicantId ? 1 : 0))
    expect(replay(byClient, creditFeatureSet).sha256).toBe(replay(known, creditFeatureSet).sha256)
  })
  test('changes its fingerprint with one label', () => {
    const first = known.findIndex(({ kind }) => kind === 'outcome')
    const outcome = known[first] as OutcomeEvent
    const flipped = known.with(first, { ...outcome, label: 1 - outcome.label })
    expect(replay(flipped, creditFeatureSet).sha256).not.toBe(replay(known, creditFeatureSet).sha256)
  })
  test('leaves out applications whose outcome was not observed, and counts them', () => {
    const counterfactual = known.map((event) => (event.kind === 'outcome' && event.label === 1 ? { ...event, observed: false } : event))
    const data = replay(counterfactual, creditFeatureSet)
    expect(data.unlabelled).toBe(known.filter((event) => event.kind === 'outcome' && event.label === 1).length)
    expect(Math.max(...data.training.labels)).toBe(0)
  })
})

const out = mkdtempSync(join(tmpdir(), 'scorestream-train-'))
afterAll(() => rmSync(out, { recursive: true }))
const options = (learner: TreeLearner, folder: string): TrainOptions => ({
  events: eventsFrom(known),
  source: TAIWAN_SOURCE,
  featureSet: creditFeatureSet,
  monotone: creditV1Monotone,
  reasonGroups: creditV1ReasonGroups,
  out: join(out, folder),
  learner,
  plan: 'quick',
})
/** Stands in where the library must not be reached. */
const unreachable = {} as TreeLearner

describe('refuses', () => {
  test('too few applications, saying how many it needs', async () => {
    await expect(train({ ...options(unreachable, 'few'), events: eventsFrom(events(100)) })).rejects.toThrow(
      'at least 1000 labelled applications',
    )
  })
  test('applications of one outcome', async () => {
    const allGood = known.map((event) => (event.kind === 'outcome' ? { ...event, label: 0 } : event))
    await expect(train({ ...options(unreachable, 'one'), events: eventsFrom(allGood) })).rejects.toThrow('only one outcome')
  })
})

describe.skipIf(lightGbmPath === null)('a quick training', () => {
  test('run twice, with one thread and with two, publishes byte-identical bundles', async () => {
    const lightgbm = lightGbmLearner(openLightGbm(lightGbmPath!))
    const seen: TrainingProgress[] = []
    const first = await train({ ...options(lightgbm, 'first'), threads: 1, onProgress: (progress) => seen.push(progress) })
    const second = await train({ ...options(lightgbm, 'second'), threads: 2 })
    expect(second.version).toBe(first.version)
    for (const file of readdirSync(first.directory).filter((name) => name !== 'training-run.json'))
      expect(readFileSync(join(second.directory, file)).equals(readFileSync(join(first.directory, file))), file).toBe(true)
    expect(seen.filter(({ kind }) => kind === 'fit').at(-1)).toMatchObject({ done: 6, total: 6 })
    expect(resolve(join(out, 'first'), `credit@${first.version}`).manifest.metrics['auc']!.value).toBeGreaterThan(0.7)
  })
  test('with another seed publishes another version', async () => {
    const lightgbm = lightGbmLearner(openLightGbm(lightGbmPath!))
    const [a, b] = [await train(options(lightgbm, 'seeds')), await train({ ...options(lightgbm, 'seeds'), seed: 2 })]
    expect(b.version).not.toBe(a.version)
  })
})
