/** Times and producers whose events are not to be learned from, as the topic `alerts` tells. */
import type { Alert } from '#schemas/monitoring-events.ts'
import { decodeAlert } from '#schemas/monitoring-wire.ts'
import type { CreditEvent } from '#schemas/events.ts'
import type { EventLog } from '#streams/ports.ts'

const PAGE_BYTES = 1024 * 1024

/** Events of one producer (and kind, where known) between two log times. */
interface Doubt {
  readonly producer: string
  readonly eventKind: string | null
  readonly from: number
  /** Exclusive; Infinity while the alert is open. */
  readonly to: number
}

const readAlerts = async (log: EventLog): Promise<Alert[]> => {
  const out: Alert[] = []
  const end = log.end('alerts')[0] ?? 0
  for (let next = log.start('alerts')[0] ?? 0; next < end;)
    for (const record of await log.read('alerts', 0, next, PAGE_BYTES)) {
      next = record.offset + 1
      const parsed = decodeAlert(record.value)
      if (parsed.kind === 'accepted') out.push(parsed.value)
    }
  return out
}

/** From the beginning of the evidence to the resolution; of an alert that was never resolved, for ever. */
const doubtsOf = (alerts: readonly Alert[]): Doubt[] => {
  const resolved = new Map(alerts.filter(({ state }) => state === 'resolved').map((alert) => [alert.alertId, Number(alert.raisedAt)]))
  return alerts
    .filter(({ state, blocksRetraining, producer }) => state === 'open' && blocksRetraining && producer !== null)
    .map(({ alertId, producer, eventKind, windowStart }) => ({
      producer: producer ?? '',
      eventKind,
      from: windowStart,
      to: resolved.get(alertId) ?? Infinity,
    }))
}

export type IsDoubtful = (event: CreditEvent, appendedAt: number) => boolean

export const doubtfulData = async (log: EventLog): Promise<IsDoubtful> => {
  const doubts = doubtsOf(await readAlerts(log))
  return (event, appendedAt) =>
    doubts.some(
      ({ producer, eventKind, from, to }) =>
        event.producer === producer && (eventKind === null || eventKind === event.kind) && appendedAt >= from && appendedAt < to,
    )
}
