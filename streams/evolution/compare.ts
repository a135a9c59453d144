/**
 * Shadow vectors: the states that are about to be in force, against a fold of the same applicants' histories that shares neither store, cache
 * nor engine with them; and what past capsules say of the features that both sets have, against the same.
 */
import type { FeatureSetParts } from '#features/set-parts.ts'
import { sharedFeatures, type SharedFeature } from '#features/shared-features.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Decision } from '#schemas/decision.ts'
import { type EpochMs, moneyMinor, type ApplicantId } from '#schemas/units.ts'
import { decodeDecisionRecord } from '#schemas/wire.ts'
import { decodeEntity } from '../entity-record.ts'
import type { EventLog, StateStore } from '../ports.ts'
import { type AppendedEvent, type HistoryRules, readHistories } from '../revisions/applicant-history.ts'
import { setAsideIn } from '../set-aside.ts'
import type { Findings } from './certificate.ts'
import type { Cut } from './cut.ts'
import { sampleApplicants } from './sample-applicants.ts'

const PAGE_BYTES = 1024 * 1024
/** An applicant with more is not folded again in memory. */
const EVENTS_MAX = 100_000

export interface ComparePorts {
  readonly log: EventLog
  readonly from: FeatureSetParts
  readonly to: FeatureSetParts
  /** States under `to`; they stand at the cut. */
  readonly state: StateStore
  readonly rules: HistoryRules
  /** Applicants of one partition, at most. */
  readonly applicantsMax: number
  /** Called between pages: others have their turn. */
  readonly pause: () => Promise<unknown>
}

/** What was looked at in one partition. */
export interface Compared {
  readonly applicants: number
  readonly vectors: number
  readonly decisions: number
  /** Newest application of each applicant: what it names is looked at next. */
  readonly applications: readonly ApplicationEvent[]
}

/** The histories of some applicants cannot be read again: retention has deleted their beginning. */
export const NO_HISTORY = 'no-history'

export const comparePartition = async (
  partition: number,
  cut: Cut,
  ports: ComparePorts,
  findings: Findings,
): Promise<Compared | typeof NO_HISTORY> => {
  const { log, from, to, rules, applicantsMax, pause } = ports
  const until = cut.input[partition] ?? 0
  const applicants = await sampleApplicants(log, partition, until, applicantsMax, pause)
  const setAside = await setAsideIn(log, partition)
  const read = await readHistories({ log, partition, applicants, until, rules, setAside, pause, eventsMax: EVENTS_MAX })
  if (read === undefined) return NO_HISTORY
  const decided = await decisionsOf(log, partition, cut.decisions[partition] ?? 0, applicants, from.set.hash, pause)
  const shared = sharedFeatures(from, to)
  const out = { applicants: 0, vectors: 0, decisions: 0 }
  const applications: ApplicationEvent[] = []
  for (const [applicant, events] of read.events) {
    if (events.length === 0) continue
    const { state, decisions } = foldAgain(events, decided, shared, to, findings)
    out.applicants++
    out.decisions += decisions
    const newest = events.findLast(({ event }) => event.kind === 'application')?.event
    if (newest?.kind === 'application') applications.push(newest)
    await compareState(partition, applicant, state, askOf(applicant, events), ports, findings)
    out.vectors++
    await pause()
  }
  return { ...out, applications }
}

const foldAgain = (
  events: readonly AppendedEvent[],
  decided: ReadonlyMap<number, Decision>,
  shared: readonly SharedFeature[],
  { set }: FeatureSetParts,
  findings: Findings,
): { readonly state: Uint8Array; readonly decisions: number } => {
  const state = set.emptyState()
  const vector = new Float32Array(set.size)
  let decisions = 0
  for (const { event, offset } of events) {
    const decision = event.kind === 'application' ? decided.get(offset) : undefined
    if (decision !== undefined && event.kind === 'application') {
      set.vector(state, event, vector, 0)
      const { body } = decision
      for (const { name, from, to } of shared)
        findings.compare(name, body.vector[from]!, vector[to]!, `decision ${body.partition}-${body.offset}`)
      decisions++
    }
    set.fold(state, event)
  }
  return { state, decisions }
}

const compareState = async (
  partition: number,
  applicant: string,
  again: Uint8Array,
  ask: ApplicationEvent,
  { state, to: { set, own, ownAt } }: ComparePorts,
  findings: Findings,
): Promise<void> => {
  const where = `applicant ${applicant} of partition ${partition}`
  const [record] = await state.load(partition, [applicant])
  const live = record === undefined ? set.emptyState() : decodeEntity(record, Buffer.from(set.hash, 'hex'), set.stateBytes, where).state
  const [found, expected] = [new Float32Array(set.size), new Float32Array(set.size)]
  set.vector(live, ask, found, 0)
  set.vector(again, ask, expected, 0)
  own.features.forEach(({ name }, i) => findings.compare(name, found[ownAt[i]!]!, expected[ownAt[i]!]!, where))
}

/** A hypothetical application at the time of the newest event: nothing has left the windows yet. */
const askOf = (applicant: string, events: readonly AppendedEvent[]): ApplicationEvent => ({
  eventId: 'shadow',
  kind: 'application',
  applicantId: applicant as ApplicantId,
  eventTime: (Math.max(...events.map(({ event }) => event.eventTime)) + 1) as EpochMs,
  producer: 'shadow',
  applicationId: 'shadow',
  product: 'credit-line',
  amount: moneyMinor(100_000),
  currency: 'XXX',
  termMonths: 12,
  purpose: 'shadow',
  channel: 'online',
})

/** Decisions of these applicants under one feature set, by input offset. */
const decisionsOf = async (
  log: EventLog,
  partition: number,
  until: number,
  applicants: ReadonlySet<string>,
  featureSetHash: string,
  pause: () => Promise<unknown>,
): Promise<ReadonlyMap<number, Decision>> => {
  const out = new Map<number, Decision>()
  for (let next = log.start('decisions')[partition] ?? 0; next < until;) {
    const records = await log.read('decisions', partition, next, PAGE_BYTES)
    if (records.length === 0) break
    for (const { key, value, offset } of records) {
      next = offset + 1
      if (offset >= until || !applicants.has(Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1'))) continue
      const found = decodeDecisionRecord(value)
      if (found.kind === 'decision' && found.decision.body.featureSetHash === featureSetHash)
        out.set(found.decision.body.offset, found.decision)
    }
    await pause()
  }
  return out
}
