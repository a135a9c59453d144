/** Times and producers whose events are not to be learned from, as the topic `alerts` tells. */
import type { CreditEvent } from '#schemas/events.ts'
import type { Alert } from '#schemas/monitoring-events.ts'
import { decodeAlert } from '#schemas/monitoring-wire.ts'
import { inputOf, readInput } from '#streams/input.ts'
import type { EventLog } from '#streams/ports.ts'

const PAGE_BYTES = 1024 * 1024
/** Windows of evidence that are doubted: a fault that begins within a window may stay unnoticed until the next one ends. */
const WINDOWS_DOUBTED = 2

/** Events of one producer and kind between two log times. */
interface Doubt {
  readonly producer: string
  readonly eventKind: string
  readonly from: number
  /** Exclusive; Infinity while the alert is open. */
  readonly to: number
}

const readAlerts = async (log: EventLog): Promise<Alert[]> => {
  const out: Alert[] = []
  const end = log.end('alerts')[0] ?? 0
  for (let next = log.start('alerts')[0] ?? 0; next < end;) {
    const records = await log.read('alerts', 0, next, PAGE_BYTES)
    for (const { value } of records) {
      const parsed = decodeAlert(value)
      if (parsed.kind === 'accepted') out.push(parsed.value)
    }
    // Offsets may have holes at the end (control records of a broker).
    next = (records.at(-1)?.offset ?? end) + 1
  }
  return out
}

/** Log times of a producer's events of a kind, up to `until`, ascending. */
const appendTimes = async (log: EventLog, producer: string, eventKind: string, until: number): Promise<Float64Array> => {
  const times: number[] = []
  const input = inputOf(log)
  for (const [partition, end] of log.end('credit-events').entries())
    for (let next = log.start('credit-events')[partition] ?? 0; next < end;) {
      const records = await log.read('credit-events', partition, next, PAGE_BYTES)
      if (records.length === 0) break
      for (const record of records) {
        next = record.offset + 1
        if (record.appendedAt > until) {
          // Append times ascend within a partition.
          next = end
          break
        }
        const found = readInput(record, input)
        if (found.kind === 'event' && found.event.producer === producer && found.event.kind === eventKind) times.push(record.appendedAt)
      }
    }
  return Float64Array.from(times).sort()
}

/** Alerts tell event times; what was appended when is in the log. The evidence are the producer's last `n` events before the alert. */
const beginningOf = async (log: EventLog, { producer, eventKind, raisedAt, n }: Alert): Promise<number> => {
  const times = await appendTimes(log, producer ?? '', eventKind ?? '', raisedAt)
  return times[Math.max(0, times.length - WINDOWS_DOUBTED * n)] ?? raisedAt
}

export type IsDoubtful = (event: CreditEvent, appendedAt: number) => boolean

/** From the beginning of each alert's evidence to its resolution; of an alert that was never resolved, for ever. */
export const doubtfulData = async (log: EventLog): Promise<IsDoubtful> => {
  const alerts = await readAlerts(log)
  const resolved = new Map(alerts.filter(({ state }) => state === 'resolved').map((alert) => [alert.alertId, Number(alert.raisedAt)]))
  const doubts: Doubt[] = []
  for (const alert of alerts) {
    const { state, blocksRetraining, producer, eventKind, alertId } = alert
    if (state !== 'open' || !blocksRetraining || producer === null || eventKind === null) continue
    doubts.push({ producer, eventKind, from: await beginningOf(log, alert), to: resolved.get(alertId) ?? Infinity })
  }
  return (event, appendedAt) =>
    doubts.some(
      ({ producer, eventKind, from, to }) =>
        event.producer === producer && event.kind === eventKind && appendedAt >= from && appendedAt < to,
    )
}
