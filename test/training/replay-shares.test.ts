import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { demoEvents } from '../../cli/demo-shares.ts'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { creditLinkedFeatureSet } from '#features/credit-linked-v1.ts'
import { isHoldout } from '#registry/holdout.ts'
import { resolve } from '#registry/resolve.ts'
import { type Dataset, type ReplayedData, replaySource } from '#training/dataset.ts'
import type { ReplayOptions } from '#training/event-replay.ts'
import type { EventShares } from '#training/replay-shares.ts'
import { inShare } from '#training/share.ts'
import { scorestream } from '../cli/command-line.ts'
import { sharedEvents } from './shared-events.ts'

const shares = (count: number): EventShares => ({
  shares: count,
  start: (order) => new Worker(new URL('share-thread-child.ts', import.meta.url), { workerData: order }),
})
const everybody = sharedEvents(() => true)

const bytesOf = (values: Float32Array | Float64Array | Uint8Array | null | undefined): string =>
  values ? Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64') : 'none'
const bitsOf = ({ values, labels, eventTimes, ...rest }: Dataset) => ({
  ...rest,
  values: bytesOf(values),
  labels: bytesOf(labels),
  eventTimes: bytesOf(eventTimes),
})
const allBits = ({ training, holdout, recent, ...counts }: ReplayedData) => ({
  ...counts,
  training: bitsOf(training),
  holdout: bitsOf(holdout),
  recent: bytesOf(recent),
})

describe('a replay in shares', () => {
  test.each<[string, Partial<ReplayOptions>, number[]]>([
    ['all rows', {}, [1, 2, 3]],
    ['the newest, a present population, and only mature outcomes', { rowsMax: 120, recentMax: 90, maturedBy: Date.UTC(2006, 2, 1) }, [3]],
  ])('gives the bytes of one thread, whatever the number of threads: %s', async (_, given, counts) => {
    const options = { featureSet: creditFeatureSet, ...given }
    const alone = await replaySource(everybody, options)
    expect(alone.training.rows).toBeGreaterThan(50)
    expect(alone.excluded).toBeGreaterThan(20)
    expect(alone.unlabelled).toBeGreaterThan(20)
    for (const count of counts) expect(allBits(await replaySource(shares(count), options))).toEqual(allBits(alone))
  })

  test('tells how far all threads together are, never less than before, and at the end everything', async () => {
    const told: number[] = []
    let applications = 0
    const { events } = await replaySource(shares(3), {
      featureSet: creditFeatureSet,
      onProgress(done, seen) {
        told.push(done)
        applications = seen
      },
    })
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(told.at(-1)).toBe(events)
    expect(applications).toBe(600 + Math.floor(600 / 7))
  })

  test('is refused where applications read what others told, or vectors must be seen as they are made', async () => {
    await expect(replaySource(shares(2), { featureSet: creditLinkedFeatureSet })).rejects.toThrow('on one thread')
    await expect(replaySource(shares(2), { featureSet: creditFeatureSet, onVector: () => undefined })).rejects.toThrow('on one thread')
  })

  test('fails as its threads do: one that computes another set, one that ends without a word', async () => {
    await expect(replaySource(shares(2), { featureSet: { ...creditFeatureSet, hash: 'another', size: 1 } })).rejects.toThrow('not another')
    const silent: EventShares = { shares: 2, start: () => new Worker('', { eval: true }) }
    await expect(replaySource(silent, { featureSet: creditFeatureSet })).rejects.toThrow('without an answer')
  })
})

test('every applicant is in one share, and the untouched fifth in all of five', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 64 }), (id, of) => {
      expect(Array.from({ length: of }, (_, index) => inShare({ index, of }, id)).filter(Boolean)).toHaveLength(1)
    }),
  )
  const held = Array.from({ length: 1000 }, (_, client) => `tw-${client}`).filter(isHoldout)
  for (let index = 0; index < 5; index++)
    expect(held.filter((id) => inShare({ index, of: 5 }, id)).length).toBeGreaterThan(held.length / 10)
})

test('the demo stream on three threads gives the rows the shipped model was fitted on', async () => {
  const { manifest } = resolve(join(import.meta.dirname, '../../models'), 'credit@champion')
  const { sha256 } = await replaySource(demoEvents(false, 3), { featureSet: creditFeatureSet })
  expect(sha256).toBe(manifest.data.sha256)
})

test('the command refuses threads that it could not use', async () => {
  for (const [args, why] of [
    [['--workers', '2', '--features', 'credit-linked-v1'], 'Leave --workers out'],
    [['--workers', '1.5'], 'a whole number of threads, got 1.5'],
    [['--workers', '0'], 'from 1 to 64, got "0"'],
  ] as const) {
    const { code, stderr } = await scorestream(['train', ...args])
    expect(stderr).toContain(why)
    expect(code).toBe(64)
  }
})
