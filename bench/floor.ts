/**
 * The floor of an event's cost: the same work done once per stage by the same functions, in isolation, warm, on one thread, without network, queues,
 * dedupe, caches of applicants, commits or warehouse. What the engine takes beyond it is the price of all those.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { resolve } from '#registry/resolve.ts'
import { loadScorer } from '#scoring/load-scorer.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { eventToJson, parseEvent } from '#schemas/parse-event.ts'
import { FIRST_HASH } from '#schemas/decision.ts'
import type { Offset } from '#schemas/units.ts'
import { decodeEvent, encodeBody, encodeEvent, sealDecision } from '#schemas/wire.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { bodyOf } from '#streams/pipeline/score-batch.ts'
import type { BenchContext } from './bench-context.ts'

export interface Floor {
  /** µs of one thread an event (an application). */
  readonly us: number
  readonly stages: Readonly<Record<string, number>>
}

const ROUNDS = 3
const EVENTS = 20_000
const APPLICATIONS = 4_000
/** Times that all rows are prepared in a round. */
const PREPARED = 4
const WRITE_EVENTS = 512

/** Microseconds an item, the best of some rounds: the floor is what is left when nothing disturbs. */
const perItem = (count: number, step: (index: number) => void): number => {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    for (let index = 0; index < count; index++) step(index)
    best = Math.min(best, ((performance.now() - began) * 1000) / count)
  }
  return best
}

const take = (wanted: (event: CreditEvent) => boolean, count: number): CreditEvent[] => {
  const taken: CreditEvent[] = []
  for (const event of demoStream(readFileSync(join(import.meta.dirname, '../data/taiwan/taiwan-credit-default.csv.gz'))).events()) {
    if (wanted(event)) taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

/** Append of what a record takes, 512 records a write, with its check sum. */
const appendUs = (folder: string, bytes: number): number => {
  const block = Buffer.alloc(bytes * WRITE_EVENTS, 7)
  const fd = openSync(join(folder, 'floor'), 'w')
  try {
    return (
      perItem(64, () => {
        block.writeUInt32LE(crc32(block.subarray(12)), 8)
        writeSync(fd, block)
      }) / WRITE_EVENTS
    )
  } finally {
    closeSync(fd)
  }
}

const sum = (stages: Readonly<Record<string, number>>): Floor => ({ us: Object.values(stages).reduce((all, us) => all + us, 0), stages })

const shared = (events: readonly CreditEvent[], context: BenchContext): Record<string, number> => {
  const lines = events.map((event) => Buffer.from(JSON.stringify(eventToJson(event))))
  const records = events.map((event) => Buffer.from(encodeEvent(event)))
  const state = creditFeatureSet.emptyState()
  return {
    'parse and validate JSON': perItem(lines.length, (i) => parseEvent(lines[i]!)),
    'encode Avro': perItem(events.length, (i) => encodeEvent(events[i]!)),
    'decode Avro': perItem(records.length, (i) => decodeEvent(records[i]!)),
    fold: perItem(events.length, (i) => creditFeatureSet.fold(state, events[i]!)),
    'append to the log': appendUs(context.scratch, records.reduce((all, { length }) => all + length + 32, 0) / records.length),
  }
}

const BEHAVIOURAL: readonly CreditEvent['kind'][] = ['statement', 'payment']

export const behaviouralFloor = (context: BenchContext): Floor =>
  sum(
    shared(
      take(({ kind }) => BEHAVIOURAL.includes(kind), EVENTS),
      context,
    ),
  )

/** Vectors differ from row to row, as they do in the engine: attribution tables are then as cold as they can be expected to be. */
export const applicationFloor = async (context: BenchContext): Promise<Floor> => {
  const { directory } = resolve(context.modelsDir, 'credit@champion')
  const policyPath = join(import.meta.dirname, '../models/policy.yaml')
  const scorer = await loadScorer({ bundleDir: directory, policyPath, featureSet: creditFeatureSet, now: () => performance.now() })
  const applications = take(({ kind }) => kind === 'application', APPLICATIONS) as ApplicationEvent[]
  const { size } = creditFeatureSet
  const background = new Float32Array(new Uint8Array(readFileSync(join(directory, 'background.f32'))).buffer)
  const state = creditFeatureSet.emptyState()
  const out = new Float32Array(size)
  const rows = background.length / size
  const verdicts = applications.map((application, i) => scorer.decide(application, background, (i % rows) * size, null))
  const records = applications.map((application, i) => ({
    partition: 0,
    offset: i,
    appendedAt: application.eventTime,
    key: Buffer.from(application.applicantId),
    value: Buffer.from(encodeEvent(application)),
  }))
  const bodies = applications.map((application, i) => bodyOf(records[i]!, application, background.slice(0, size), verdicts[i]!))
  const bytes = bodies.reduce((all, body) => all + encodeBody(body).length + 200, 0) / bodies.length
  const prepared = scorer.prepare(background, rows)!
  const preparing = perItem(PREPARED, () => scorer.prepare(background, rows)) / rows
  const stages = { queueUs: 0, decodeUs: 0, stateUs: 0, foldUs: 0, scoreUs: 0, explainUs: 0, policyUs: 0, commitUs: 0, publishUs: 0 }
  const envelope = { decidedAt: applications[0]!.eventTime, stages, host: 'host', runtime: 'runtime' }
  return sum({
    ...shared(applications, context),
    'read the vector': perItem(applications.length, (i) => creditFeatureSet.vector(state, applications[i]!, out, 0)),
    // As the engine does: many together, then one verdict after the other.
    'score and explain': preparing,
    'decide and give reasons': perItem(applications.length, (i) =>
      scorer.decide(applications[i]!, background, (i % rows) * size, null, prepared),
    ),
    'encode, hash and seal the capsule': perItem(bodies.length, (i) => {
      const body = bodyOf(records[i]!, applications[i]!, background.subarray(0, size), verdicts[i]!)
      sealDecision({ epoch: 0 as Offset, previousHash: FIRST_HASH, envelope, body })
    }),
    'append the decision': appendUs(context.scratch, bytes),
  })
}
