/** How a gate's verdict is written down. */
import type { Interval } from '#registry/manifest.ts'
import type { Gate } from '#schemas/monitoring-events.ts'

export const DETAIL_MAX = 512

export interface Measured {
  readonly value: number
  readonly low?: number
  readonly high?: number
  readonly threshold: number
}

/** Infinite bounds are told in words only: the log holds finite numbers. */
const finite = (value: number | undefined): number | null => (value !== undefined && Number.isFinite(value) ? value : null)

export const verdict = (gate: string, passed: boolean, measured: Measured, detail: string): Gate => ({
  gate,
  state: passed ? 'passed' : 'failed',
  value: finite(measured.value),
  low: finite(measured.low),
  high: finite(measured.high),
  threshold: measured.threshold,
  detail: detail.slice(0, DETAIL_MAX),
})

/** Failed for want of evidence: of what a successor must prove, nothing was shown. */
export const refused = (gate: string, detail: string, threshold: number): Gate => ({
  ...undecided(gate, detail),
  state: 'failed',
  threshold,
})

/** Nothing was shown, for or against. */
export const undecided = (gate: string, detail: string): Gate => ({
  gate,
  state: 'insufficient-evidence',
  value: null,
  low: null,
  high: null,
  threshold: null,
  detail: detail.slice(0, DETAIL_MAX),
})

export const interval = ({ value, low, high }: Interval): string => `${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`
