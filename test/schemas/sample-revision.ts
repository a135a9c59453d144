/** A revision with a feature that was missing, and one whose bundle is gone. */
import { REVISION_SCHEMA_ID } from '#schemas/catalog.ts'
import type { Revision } from '#schemas/revision.ts'
import { encodeRevision } from '#schemas/revision-wire.ts'
import { epochMs } from '#schemas/units.ts'

export const REVISION: Revision = {
  partition: 3,
  offset: 1204,
  causeOffset: 2 ** 33,
  causeEventId: 'pay-17',
  causeKind: 'payment',
  revisedAt: epochMs(1_800_000_000_000),
  applicationId: 'app-1',
  applicantId: 'tw-00001',
  modelVersion: 'credit@1',
  policyVersion: 'policy@0123456789ab',
  featureSetHash: 'ab'.repeat(32),
  decision: 'decline',
  probability: 0.375,
  revisedDecision: 'refer',
  revisedProbability: 0.25,
  changes: [
    { feature: 'applicant.payment.amount.sum.3mo', old: 4_000, new: 10_000.5 },
    { feature: 'applicant.payment.amount.mean.3mo', old: null, new: -0.125 },
  ],
}
const UNJUDGED: Revision = { ...REVISION, revisedDecision: null, revisedProbability: null, changes: [] }

export const REVISION_RECORDS = [REVISION, UNJUDGED].map((record) => ({ id: REVISION_SCHEMA_ID, record, bytes: encodeRevision(record) }))
