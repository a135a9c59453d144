/** Rows of `events` and `outcomes`. */
import type { CreditEvent, OutcomeEvent } from '#schemas/events.ts'
import type { LogRecord } from '../ports.ts'
import { NumberColumn, StringColumn } from './native-column.ts'
import { LowCardinalityColumn } from './native-nested.ts'
import type { TableRows } from './table-rows.ts'

const INSTANT = "DateTime64(3, 'UTC')"

/** The fields of the kind as JSON: the event without its envelope. */
const bodyJson = (event: CreditEvent): string => {
  const { eventId: _, kind: __, applicantId: ___, eventTime: ____, producer: _____, tenant: ______, ...body } = event
  return JSON.stringify(body)
}

export class EventRows implements TableRows {
  readonly table = 'events'
  readonly columns = {
    event_id: new StringColumn(),
    kind: new LowCardinalityColumn(),
    applicant_id: new StringColumn(),
    event_time: new NumberColumn(INSTANT),
    ingested_at: new NumberColumn(INSTANT),
    producer: new LowCardinalityColumn(),
    tenant: new LowCardinalityColumn(),
    partition: new NumberColumn('UInt32'),
    offset: new NumberColumn('UInt64'),
    body: new StringColumn(),
  }

  add(event: CreditEvent, { partition, offset, appendedAt }: LogRecord): void {
    const { columns } = this
    columns.event_id.push(event.eventId)
    columns.kind.push(event.kind)
    columns.applicant_id.push(event.applicantId)
    columns.event_time.push(event.eventTime)
    columns.ingested_at.push(appendedAt)
    columns.producer.push(event.producer)
    columns.tenant.push(event.tenant ?? 'default')
    columns.partition.push(partition)
    columns.offset.push(offset)
    columns.body.push(bodyJson(event))
  }
}

export class OutcomeRows implements TableRows {
  readonly table = 'outcomes'
  readonly columns = {
    application_id: new StringColumn(),
    applicant_id: new StringColumn(),
    label: new NumberColumn('UInt8'),
    definition: new LowCardinalityColumn(),
    horizon_days: new NumberColumn('UInt16'),
    matured_at: new NumberColumn(INSTANT),
    observed: new NumberColumn('Bool'),
    event_time: new NumberColumn(INSTANT),
    ingested_at: new NumberColumn(INSTANT),
    partition: new NumberColumn('UInt32'),
    offset: new NumberColumn('UInt64'),
  }

  add(event: OutcomeEvent, { partition, offset, appendedAt }: LogRecord): void {
    const { columns } = this
    columns.application_id.push(event.applicationId)
    columns.applicant_id.push(event.applicantId)
    columns.label.push(event.label)
    columns.definition.push(event.definition)
    columns.horizon_days.push(event.horizonDays)
    columns.matured_at.push(event.maturedAt)
    columns.observed.push(event.observed ? 1 : 0)
    columns.event_time.push(event.eventTime)
    columns.ingested_at.push(appendedAt)
    columns.partition.push(partition)
    columns.offset.push(offset)
  }
}
