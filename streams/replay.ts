/**
 * Running a past decision again: refolds its applicant from the input log, scores, and compares the body byte for byte. What differs is
 * traced to its cause. Reads only; the same folding code as the live pipeline.
 */
import type { FeatureSet } from '#features/feature-set.ts'
import { type Decision, type DecisionBody, parseDecisionId } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { capsuleHash, decodeDecisionRecord, encodeBody } from '#schemas/wire.ts'
import type { DedupeLimits } from './dedupe-ring.ts'
import { newEntity, type Entity } from './entity-record.ts'
import { copyLinked } from '#features/linked/read-linked.ts'
import { findDecision } from './find-decision.ts'
import { inputOf } from './input.ts'
import { judgeLinks } from './linked/judge-links.ts'
import { admit, type TimeRules } from './pipeline/admission.ts'
import { foldEvent, recognise } from './pipeline/fold.ts'
import { setAsideIn } from './set-aside.ts'
import { bodyOf } from './pipeline/score-batch.ts'
import type { Decider, EventLog, LogRecord } from './ports.ts'

export type ReplayCause = 'data' | 'feature' | 'link' | 'model' | 'policy' | 'degrade' | 'runtime' | 'chain'

export interface Difference {
  readonly cause: ReplayCause
  readonly detail: string
}

export type ReplayResult =
  | { readonly kind: 'same'; readonly stored: Decision; readonly eventsFolded: number }
  | { readonly kind: 'different'; readonly stored: Decision; readonly differences: readonly Difference[] }
  | { readonly kind: 'absent'; readonly detail: string }

export interface ReplayParts {
  readonly log: EventLog
  readonly featureSet: FeatureSet
  readonly decider: Decider
  /** As in force when the decision was made. */
  readonly time: TimeRules
  readonly dedupe: DedupeLimits
}

const PAGE_BYTES = 4 * 1024 * 1024

/** Replays the decision with the id `<partition>-<offset>`. */
export const replayDecision = async (id: string, parts: ReplayParts): Promise<ReplayResult> => {
  const position = parseDecisionId(id)
  if (position === undefined)
    return { kind: 'absent', detail: `"${id}" is no decision id; one looks like 3-1204 (partition and offset of the application)` }
  let stored: Decision | undefined
  try {
    stored = await findDecision(parts.log, position.partition, position.offset)
  } catch (failure) {
    return { kind: 'absent', detail: `the decisions log cannot be read: ${messageOf(failure)}` }
  }
  if (stored === undefined)
    return { kind: 'absent', detail: `no decision is believed at ${id}: no application lies there, or it has not been decided` }
  const chain = judgeChain(stored)
  const history = await refold(position.partition, position.offset, stored, parts)
  if (history.kind === 'broken') return { kind: 'different', stored, differences: [...chain, history.difference] }
  const rebuilt = rebuild(history, stored, parts)
  const sameSet = stored.body.featureSetHash === parts.featureSet.hash
  const links = (sameSet ? await judgeLinks(stored, history.application, parts) : []).map((detail): Difference => ({
    cause: 'link',
    detail,
  }))
  const differences = [
    ...chain,
    ...links,
    ...(rebuilt.kind === 'failed' ? [rebuilt.difference] : await compare(stored, rebuilt.body, parts)),
  ]
  return differences.length === 0
    ? { kind: 'same', stored, eventsFolded: history.eventsFolded }
    : { kind: 'different', stored, differences }
}

type History =
  | {
      readonly kind: 'reached'
      readonly entity: Entity
      readonly record: LogRecord
      readonly application: ApplicationEvent
      readonly eventsFolded: number
    }
  | { readonly kind: 'broken'; readonly difference: Difference }

const refold = async (partition: number, offset: number, stored: Decision, parts: ReplayParts): Promise<History> => {
  const start = parts.log.start('credit-events')[partition] as number
  if (start > 0)
    return broken(
      'data',
      `the input log of partition ${partition} begins at ${start}, not at 0: retention deleted earlier events, so the applicant's state cannot be rebuilt from it. Restore the older segments.`,
    )
  try {
    return await walk(partition, offset, stored, parts)
  } catch (failure) {
    return broken('data', messageOf(failure))
  }
}

const walk = async (partition: number, offset: number, stored: Decision, parts: ReplayParts): Promise<History> => {
  const { log, featureSet, time, dedupe } = parts
  const key = Buffer.from(stored.body.applicantId)
  const setAside = await setAsideIn(log, partition)
  const entity = newEntity(featureSet.emptyState())
  const input = inputOf(log)
  let eventsFolded = 0
  for (let next = 0; next <= offset;) {
    const records = await log.read('credit-events', partition, next, PAGE_BYTES)
    if (records.length === 0)
      return broken('data', `the input log of partition ${partition} ends at ${next}, before the application at ${offset}`)
    for (const record of records) {
      next = record.offset + 1
      if (record.offset === offset && Buffer.compare(record.key, key) !== 0)
        return broken('data', `the record at ${partition}-${offset} is of another applicant than the decision names`)
      if (Buffer.compare(record.key, key) !== 0 || setAside.has(record.offset)) continue
      const found = admit(record, input, time)
      if (record.offset === offset) {
        if (found.kind === 'rejected')
          return broken('data', `the record at ${partition}-${offset} is rejected now: ${found.rejection.detail}`)
        if (found.kind === 'stray' || found.event.kind !== 'application')
          return broken(
            'data',
            `the record at ${partition}-${offset} is a ${found.event.kind} of ${found.event.applicantId}, not the application`,
          )
        return { kind: 'reached', entity, record, application: found.event, eventsFolded }
      }
      if (found.kind !== 'event' || recognise(entity, found.event, record, dedupe).kind !== 'new') continue
      foldEvent(entity, found.event, featureSet)
      eventsFolded++
    }
  }
  return broken('data', `the application at ${partition}-${offset} is not in the log`)
}

type Rebuilt = { readonly kind: 'built'; readonly body: DecisionBody } | { readonly kind: 'failed'; readonly difference: Difference }

const rebuild = (
  { entity, record, application }: History & { kind: 'reached' },
  stored: Decision,
  { featureSet, decider }: ReplayParts,
): Rebuilt => {
  const vector = new Float32Array(featureSet.size)
  try {
    featureSet.vector(entity.state, application, vector, 0)
    // What linked entities said then is in the capsule: another run may have read them sooner or later.
    copyLinked(featureSet, stored.body.vector, vector)
    const verdict = decider.decide(application, vector, 0, stored.body.degraded)
    return { kind: 'built', body: bodyOf(record, application, vector, verdict, stored.body.linked) }
  } catch (failure) {
    return { kind: 'failed', difference: { cause: 'runtime', detail: `scoring threw: ${messageOf(failure)}` } }
  }
}

/** Names what differs, from the outside in: a later stage is only to blame where the earlier ones agree. */
const compare = async (stored: Decision, rebuilt: DecisionBody, parts: ReplayParts): Promise<readonly Difference[]> => {
  const was = stored.body
  const out: Difference[] = []
  const differs = (cause: ReplayCause, detail: string) => out.push({ cause, detail })
  if (was.inputHash !== rebuilt.inputHash)
    differs('data', `the application's bytes hash to ${rebuilt.inputHash}, decided was on ${was.inputHash}`)
  if (was.featureSetHash !== rebuilt.featureSetHash)
    differs('feature', `decided under feature set ${was.featureSetHash}, in force is ${rebuilt.featureSetHash}`)
  else if (!sameNumbers(was.vector, rebuilt.vector)) {
    const sound = await featureCodeIsSound(stored, parts)
    const detail = vectorDetail(was.vector, rebuilt.vector, parts.featureSet)
    if (sound) differs('data', `${detail}: an earlier event of the applicant was changed, for other applicants refold as they did`)
    else differs('feature', `${detail}, and so it is with other applicants: the feature code changed without its hash`)
  }
  if (was.bundleHash !== rebuilt.bundleHash)
    differs(
      'model',
      `decided with ${was.modelVersion} (bundle ${was.bundleHash}), at hand is ${rebuilt.modelVersion} (bundle ${rebuilt.bundleHash})`,
    )
  if (was.policyVersion !== rebuilt.policyVersion)
    differs('policy', `decided under policy ${was.policyVersion}, in force is ${rebuilt.policyVersion}`)
  if (was.degraded !== rebuilt.degraded)
    differs(
      'degrade',
      `decided with "${was.degraded ?? 'nothing'}" given up, now "${rebuilt.degraded ?? 'nothing'}": a member fails now that worked then, or the other way round`,
    )
  if (out.length === 0 && Buffer.compare(encodeBody(was), encodeBody(rebuilt)) !== 0)
    differs(
      'runtime',
      `same data, features, model and policy, other numbers: margin was ${was.margin}, is ${rebuilt.margin}; probability was ${was.probability}, is ${rebuilt.probability}`,
    )
  return out
}

const judgeChain = (stored: Decision): readonly Difference[] => {
  const hash = capsuleHash(stored.previousHash, encodeBody(stored.body))
  return hash === stored.capsuleHash
    ? []
    : [
        {
          cause: 'chain',
          detail: `the stored body hashes to ${hash}, its capsule says ${stored.capsuleHash}: the decision was changed after it was published`,
        },
      ]
}

/** The same numbers: NaN equals NaN whatever its payload (the log writes one form of it), and −0 differs from 0. */
const sameNumbers = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, index) => Object.is(value, b[index]))

const vectorDetail = (was: Float32Array, is: Float32Array, featureSet: FeatureSet): string => {
  const changed = featureSet.features.flatMap(({ name }, i) => (Object.is(was[i], is[i]) ? [] : [`${name} was ${was[i]}, is ${is[i]}`]))
  return `${changed.length} features differ under the same definitions (${changed.slice(0, 3).join('; ')})`
}

/** Other applicants asked whether their vectors still come out as they did. */
const WITNESSES_MAX = 3

/**
 * A vector that comes out differently under the same definitions has one of two causes, an event or the code. Changed code would show in
 * other applicants too: one that refolds to the very bits clears it. Without any other applicant the code is trusted.
 */
const featureCodeIsSound = async (stored: Decision, parts: ReplayParts): Promise<boolean> => {
  let asked = 0
  for await (const witness of othersDecided(stored, parts.log)) {
    const { partition, offset } = witness.body
    const history = await refold(partition, offset, witness, parts)
    const rebuilt = history.kind === 'reached' ? rebuild(history, witness, parts) : undefined
    if (rebuilt?.kind === 'built' && sameNumbers(rebuilt.body.vector, witness.body.vector)) return true
    if (++asked === WITNESSES_MAX) return false
  }
  return asked === 0
}

/** First decisions of other applicants under the same feature set, those of the same partition first. */
async function* othersDecided({ body }: Decision, log: EventLog): AsyncGenerator<Decision> {
  const seen = new Set([body.applicantId])
  const partitions = log.partitions('decisions')
  const ends = log.end('decisions')
  for (let turn = 0; turn < partitions; turn++) {
    const partition = (body.partition + turn) % partitions
    for (let next = log.start('decisions')[partition] as number; next < (ends[partition] as number);) {
      const records = await log.read('decisions', partition, next, PAGE_BYTES)
      // Offsets may have holes at the end (control records of a broker).
      if (records.length === 0) break
      for (const record of records) {
        next = record.offset + 1
        const found = decodeDecisionRecord(record.value)
        if (found.kind !== 'decision' || found.decision.body.featureSetHash !== body.featureSetHash) continue
        if (seen.has(found.decision.body.applicantId)) continue
        seen.add(found.decision.body.applicantId)
        yield found.decision
      }
    }
  }
}

const broken = (cause: ReplayCause, detail: string): History & { kind: 'broken' } => ({ kind: 'broken', difference: { cause, detail } })
const messageOf = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure))
