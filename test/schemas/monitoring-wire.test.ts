import { expect, test } from 'vitest'
import { ALERT_SCHEMA_ID } from '#schemas/catalog.ts'
import { decodeAlert, decodeAlertJudgement, decodeModelEvent, encodeAlertJudgement, isAlertJudgement } from '#schemas/monitoring-wire.ts'
import { decodeRevision } from '#schemas/revision-wire.ts'
import { JUDGEMENT, MONITORING_RECORDS } from './sample-monitoring.ts'
import { REVISION_RECORDS } from './sample-revision.ts'

test('alerts and model events read back as they were written', () => {
  for (const { id, record, bytes } of MONITORING_RECORDS) {
    const decode = id === ALERT_SCHEMA_ID ? decodeAlert : decodeModelEvent
    expect(decode(bytes)).toEqual({ kind: 'accepted', value: record })
  }
})

test('foreign and cut bytes are rejected, never thrown', () => {
  for (const { id, bytes } of MONITORING_RECORDS) {
    const [decode, other] = id === ALERT_SCHEMA_ID ? [decodeAlert, decodeModelEvent] : [decodeModelEvent, decodeAlert]
    expect(other(bytes)).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-schema' } })
    expect(decode(bytes.subarray(0, -1))).toMatchObject({ kind: 'rejected', rejection: { code: 'schema-violation' } })
  }
  expect(decodeAlert(new Uint8Array(0))).toMatchObject({ kind: 'rejected' })
})

test('revisions read back as they were written; foreign and cut bytes are rejected', () => {
  for (const { record, bytes } of REVISION_RECORDS) {
    expect(decodeRevision(bytes)).toEqual({ kind: 'accepted', value: record })
    expect(decodeRevision(bytes.subarray(0, -1))).toMatchObject({ kind: 'rejected', rejection: { code: 'schema-violation' } })
    expect(decodeAlert(bytes)).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-schema' } })
  }
  expect(decodeRevision(new Uint8Array(0))).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-schema' } })
})

test('a judgement reads back as it was written, and is told from an alert by its frame', () => {
  const bytes = encodeAlertJudgement(JUDGEMENT)
  expect(decodeAlertJudgement(bytes)).toEqual({ kind: 'accepted', value: JUDGEMENT })
  expect(isAlertJudgement(bytes)).toBe(true)
  expect(decodeAlert(bytes)).toMatchObject({ kind: 'rejected', rejection: { code: 'unknown-schema' } })
  expect(decodeAlertJudgement(bytes.subarray(0, -1))).toMatchObject({ kind: 'rejected' })
  for (const record of MONITORING_RECORDS) expect(isAlertJudgement(record.bytes)).toBe(false)
})
