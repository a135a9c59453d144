/** What monitoring finds, as it stands in the warehouse. Instants are milliseconds since the epoch; names are the tables' columns. */

export interface DriftRow {
  readonly window_start: number
  readonly window_end: number
  readonly model_version: string
  readonly feature: string
  readonly segment: string
  readonly metric: 'psi' | 'ks' | 'jensen-shannon' | 'missing' | 'outside'
  readonly value: number
  readonly p_value: number | null
  readonly threshold: number
  readonly n: number
  readonly n_reference: number
  readonly alert: boolean
}

export interface QualityRow {
  readonly window_start: number
  readonly window_end: number
  readonly producer: string
  readonly kind: string
  readonly field: string
  readonly metric: 'missing' | 'median-log10-shift' | 'outside' | 'age-factor' | 'volume-factor'
  readonly value: number
  readonly baseline: number
  readonly threshold: number
  readonly n: number
  readonly alert: boolean
}

export interface SloRow {
  readonly window_start: number
  readonly window_end: number
  readonly objective: string
  readonly target: number
  readonly good: number
  readonly total: number
  readonly burn_rate: number
  readonly alert: boolean
}

export interface FairnessRow {
  readonly window_start: number
  readonly window_end: number
  readonly model_version: string
  readonly attribute: string
  readonly group: string
  readonly reference_group: string
  readonly metric: string
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly n: number
  readonly state: 'ok' | 'violation' | 'insufficient-evidence'
}

export interface PerformanceRow {
  readonly window_start: number
  readonly window_end: number
  readonly model_version: string
  readonly segment: string
  readonly metric: string
  readonly value: number
  readonly low: number | null
  readonly high: number | null
  readonly n: number
}
