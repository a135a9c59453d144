/** Faults of data as alerts. */
import { epochMs } from '#schemas/units.ts'
import type { NewAlert } from '../triggers/alert-book.ts'
import type { QualityCheck, SourceVerdict } from './quality-monitor.ts'
import type { VolumeVerdict } from './volume-monitor.ts'

/** What is wrong with values teaches a model wrong things; what is late or scarce does not. */
const BLOCKING: ReadonlySet<string> = new Set(['missing', 'unit-change', 'range'])

export const qualityKey = ({ producer, kind, field, cause }: QualityCheck): string => `data-quality:${producer}:${kind}:${field}:${cause}`

export const qualityAlert = (
  { producer, kind, field, cause }: QualityCheck,
  fault: NonNullable<QualityCheck['fault']>,
  verdict: SourceVerdict,
  at: number,
): NewAlert => ({
  kind: 'data-quality',
  cause,
  severity: 'ticket',
  raisedAt: epochMs(at),
  windowStart: epochMs(verdict.from),
  windowEnd: epochMs(verdict.to),
  subject: `${producer} ${kind}.${field}`,
  producer,
  eventKind: kind,
  field,
  modelVersion: null,
  segment: null,
  features: [],
  metric: fault.metric,
  value: fault.value,
  threshold: fault.threshold,
  pValue: null,
  n: verdict.n,
  blocksRetraining: BLOCKING.has(cause),
  detail: `${kind}.${field} from ${producer}: ${fault.detail}`,
})

export const volumeKey = (producer: string): string => `data-quality:${producer}:*:*:volume`

export const volumeAlert = ({ producer, from, to, n, usual, factor }: VolumeVerdict, threshold: number): NewAlert => ({
  kind: 'data-quality',
  cause: 'volume',
  severity: 'ticket',
  raisedAt: epochMs(to),
  windowStart: epochMs(from),
  windowEnd: epochMs(to),
  subject: producer,
  producer,
  eventKind: null,
  field: null,
  modelVersion: null,
  segment: null,
  features: [],
  metric: 'volume-factor',
  value: factor,
  threshold,
  pValue: null,
  n,
  blocksRetraining: false,
  detail: `${producer} sent ${n} events in a period that usually has ${usual}`,
})
