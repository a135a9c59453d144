/** A drifted window as an alert. */
import { type Alert, ALERT_FEATURES_MAX } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import type { NewAlert } from '../triggers/alert-book.ts'
import type { WindowVerdict } from './close-window.ts'

/** Features spelled out in the sentence; the list has more. */
const SPELLED = 3

/** `doubt`: an open alert about the data behind the window; then that is the cause, not the population. */
export const driftAlert = (verdict: WindowVerdict, threshold: number, doubt: Alert | undefined): NewAlert => {
  const [worst] = verdict.moved
  const spelled = verdict.moved
    .slice(0, SPELLED)
    .map(({ feature, psi }) => `${feature} (PSI ${psi.toFixed(2)})`)
    .join(', ')
  const more = verdict.moved.length > SPELLED ? ` and ${verdict.moved.length - SPELLED} more` : ''
  const where = verdict.segment === null ? '' : `, in ${verdict.segment} alone`
  const because = doubt === undefined ? '' : `; the data are in doubt: ${doubt.subject}, ${doubt.detail}`
  return {
    kind: 'drift',
    cause: doubt?.cause ?? (verdict.segment === null ? 'population-shift' : 'segment-shift'),
    severity: 'ticket',
    raisedAt: epochMs(verdict.closedAt),
    windowStart: epochMs(verdict.from),
    windowEnd: epochMs(verdict.to),
    subject: `${verdict.modelVersion} ${verdict.segment ?? 'all'}`.slice(0, 256),
    producer: doubt?.producer ?? null,
    eventKind: doubt?.eventKind ?? null,
    field: doubt?.field ?? null,
    modelVersion: verdict.modelVersion,
    segment: verdict.segment,
    features: verdict.moved.slice(0, ALERT_FEATURES_MAX).map(({ feature }) => feature),
    metric: 'psi',
    value: worst?.psi ?? 0,
    threshold,
    pValue: worst?.pValue ?? null,
    n: verdict.n,
    blocksRetraining: false,
    detail: `${spelled}${more} moved${where}${because}`.slice(0, 1_024),
  }
}
