/** A budget that burns too fast, as an alert. */
import { epochMs } from '#schemas/units.ts'
import type { NewAlert } from '../triggers/alert-book.ts'
import type { BurnAlert } from './latency-monitor.ts'

export const latencyKey = ({ minutes }: BurnAlert): string => `latency:decision-latency:${minutes}m`

export const latencyAlert = ({ severity, minutes, threshold, burnRate, n }: BurnAlert, at: number, milliseconds: number): NewAlert => ({
  kind: 'latency',
  cause: 'burn-rate',
  severity,
  raisedAt: epochMs(at),
  windowStart: epochMs(at - minutes * 60_000),
  windowEnd: epochMs(at),
  subject: 'decision latency',
  producer: null,
  eventKind: null,
  field: null,
  modelVersion: null,
  segment: null,
  features: [],
  metric: 'burn-rate',
  value: burnRate,
  threshold,
  pValue: null,
  n,
  blocksRetraining: false,
  detail: `decisions slower than ${milliseconds} ms use up the allowed share ${burnRate.toFixed(1)} times too fast over the last ${minutes} min`,
})
