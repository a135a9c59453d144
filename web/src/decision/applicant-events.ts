/** The events of an applicant, from the warehouse, in words. */
import { askRows } from '../api/sql.ts'
import { text } from '../api/sql-literal.ts'
import { money } from '../parts/format.ts'

export interface ApplicantEvent {
  readonly event_id: string
  readonly kind: string
  readonly event_time: string
  readonly partition: number
  readonly offset: number
  /** The fields of the kind, JSON. */
  readonly body: string
}

/** More than half a year of a busy account. */
const EVENTS_MAX = 500

export const eventsStatement = (applicantId: string): string =>
  `SELECT event_id, kind, event_time, partition, offset, body
FROM events_latest
WHERE applicant_id = ${text(applicantId)}
ORDER BY event_time DESC, offset DESC
LIMIT ${EVENTS_MAX}`

export const loadEvents = (applicantId: string, signal: AbortSignal): Promise<ApplicantEvent[]> =>
  askRows<ApplicantEvent>(eventsStatement(applicantId), signal)

const REPAYMENT: Readonly<Record<string, string>> = { '-2': 'not used', '-1': 'paid in full', '0': 'revolving', '1': 'one month late' }

/** The first things a reader wants of an event; everything else stands in SQL. */
export const eventWords = ({ kind, body }: ApplicantEvent): string => {
  const fields = JSON.parse(body) as Readonly<Record<string, string | number | boolean>>
  const amount = (name: string): string => money(Number(fields[name]), String(fields['currency']))
  switch (kind) {
    case 'payment':
      return `${amount('amount')}${fields['period'] === undefined ? '' : ` for ${String(fields['period'])}`}`
    case 'statement': {
      const status = String(fields['repaymentStatus'])
      return `balance ${amount('closingBalance')} of ${amount('creditLimit')}, ${REPAYMENT[status] ?? `${status} months late`}`
    }
    case 'application':
      return `${amount('amount')}, ${String(fields['product'])}, ${String(fields['purpose'])}`
    case 'outcome':
      return `${fields['label'] === 1 ? 'bad' : 'good'} (${String(fields['definition'])})`
    default:
      return Object.entries(fields)
        .slice(0, 4)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(', ')
  }
}
