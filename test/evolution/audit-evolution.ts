/** Judges a log on which two feature sets decided, one after the other, perhaps more than once. */
import { expect } from 'vitest'
import type { FeatureSetParts } from '#features/set-parts.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import type { EventLog } from '#streams/ports.ts'
import { replayDecision } from '#streams/replay.ts'
import { verifyChain } from '#streams/verify-chain.ts'
import { decisionsIn, PARTITIONS } from '../streams/support/embedded.ts'
import { deciderOf, former, later } from './evolving-world.ts'

const partsOfHash = (hash: string): FeatureSetParts => [former, later].find(({ set }) => set.hash === hash)!

/** None lost, none doubled, none contradicted, and each the same again. Returns how many each set decided. */
export const auditEvolution = async (log: EventLog, sent: readonly CreditEvent[], replayEvery: number) => {
  for (let partition = 0; partition < PARTITIONS; partition++) expect((await verifyChain(log, partition)).faults).toEqual([])
  const asked = new Set(sent.flatMap((event) => (event.kind === 'application' ? [event.applicationId] : [])))
  const decisions = await decisionsIn(log)
  expect(new Set(decisions.map(({ body }) => body.applicationId))).toEqual(asked)
  expect(decisions).toHaveLength(asked.size)
  const { time, dedupe } = PIPELINE_DEFAULTS
  for (const [i, { body }] of decisions.entries()) {
    if (i % replayEvery !== 0) continue
    const parts = partsOfHash(body.featureSetHash)
    const again = { log, featureSet: parts.set, decider: deciderOf(parts), time, dedupe }
    expect(await replayDecision(`${body.partition}-${body.offset}`, again)).toMatchObject({ kind: 'same' })
  }
  const by = (parts: FeatureSetParts) => decisions.filter(({ body }) => body.featureSetHash === parts.set.hash)
  return { decisions, former: by(former).length, later: by(later).length }
}
