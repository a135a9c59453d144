/** What the engine itself writes to its logs: one of each, and their JSON form for other libraries. */
import {
  ALERT_JUDGEMENT_SCHEMA_ID,
  CLAIM_SCHEMA_ID,
  DEAD_LETTER_SCHEMA_ID,
  DECISION_SCHEMA_ID,
  LINKED_DECISION_SCHEMA_ID,
  LINKED_UPDATE_SCHEMA_ID,
} from '#schemas/catalog.ts'
import type { Claim } from '#schemas/decision.ts'
import type { DeadLetter } from '#schemas/dead-letter.ts'
import type { LinkedUpdate } from '#schemas/linked-update.ts'
import { encodeLinkedUpdate } from '#schemas/linked-wire.ts'
import { encodeAlertJudgement } from '#schemas/monitoring-wire.ts'
import { epochMs, type Offset } from '#schemas/units.ts'
import { encodeClaim, encodeDeadLetter, encodeDecision } from '#schemas/wire.ts'
import { sampleBody, sampleDecision } from './sample-decision.ts'
import { JUDGEMENT, MONITORING_RECORDS } from './sample-monitoring.ts'
import { REVISION_RECORDS } from './sample-revision.ts'

export const LETTER: DeadLetter = {
  code: 'malformed-json',
  detail: 'not JSON',
  source: 'http',
  partition: null,
  offset: null,
  receivedAt: epochMs(5),
  errors: [],
  bytes: Buffer.from([0xff, 0, 0x7b]),
}
const LOGGED_LETTER: DeadLetter = {
  ...LETTER,
  partition: 11,
  offset: 2 ** 40,
  errors: [{ pointer: '/amount', value: '••• (string)', expected: 'an integer', remedy: 'send a JSON number, without quotes' }],
}
const CLAIM: Claim = { owner: 'host:42', claimedAt: epochMs(1_700_000_000_000) }
/** Decided by a policy rule, after a degrade step, without a model. */
const BY_RULE = sampleDecision({
  ...sampleBody(),
  ruleHit: 'limit-too-high',
  degraded: 'scorecard',
  memberMargins: [],
  attributions: new Float64Array(0),
})

/** Read off a device and an employer; the order is the parts'. */
const LINKED = sampleDecision({
  ...sampleBody(),
  linked: [
    { entity: 'device', partition: 7, version: 0 as Offset },
    { entity: 'employer', partition: 0, version: (2 ** 33) as Offset },
  ],
})
export const UPDATE: LinkedUpdate = {
  sourcePartition: 11,
  sourceOffset: 2 ** 40,
  n: 2,
  entity: 'address',
  entityId: 'a-1:x~y',
  application: Buffer.from([0, 0, 0, 0, 1, 0xff]),
}

export const RECORDS = [
  { id: DECISION_SCHEMA_ID, record: sampleDecision(), bytes: encodeDecision(sampleDecision()) },
  { id: DECISION_SCHEMA_ID, record: BY_RULE, bytes: encodeDecision(BY_RULE) },
  { id: CLAIM_SCHEMA_ID, record: CLAIM, bytes: encodeClaim(CLAIM) },
  { id: DEAD_LETTER_SCHEMA_ID, record: LETTER, bytes: encodeDeadLetter(LETTER) },
  { id: DEAD_LETTER_SCHEMA_ID, record: LOGGED_LETTER, bytes: encodeDeadLetter(LOGGED_LETTER) },
  ...MONITORING_RECORDS,
  { id: ALERT_JUDGEMENT_SCHEMA_ID, record: JUDGEMENT, bytes: encodeAlertJudgement(JUDGEMENT) },
  { id: LINKED_UPDATE_SCHEMA_ID, record: UPDATE, bytes: encodeLinkedUpdate(UPDATE) },
  { id: LINKED_DECISION_SCHEMA_ID, record: LINKED, bytes: encodeDecision(LINKED) },
  ...REVISION_RECORDS,
] as const

/** Vectors as arrays (JSON makes NaN null), bytes as base64. */
export const jsonOf = (value: unknown): unknown => {
  if (value instanceof Float32Array || value instanceof Float64Array) return [...value]
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, jsonOf(one)]))
  return value
}
