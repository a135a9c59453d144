/** Drift rows as a grid: one line a feature, its windows in order, those that moved most first. */
import type { DriftRow } from './statements.ts'

export interface FeatureDrift {
  readonly feature: string
  /** Ascending by time; never empty. */
  readonly windows: readonly DriftRow[]
  readonly last: DriftRow
}

/** The score first, then features by their last value relative to its threshold. */
export const byFeature = (rows: readonly DriftRow[]): readonly FeatureDrift[] => {
  const weight = ({ feature, last }: FeatureDrift): number => (feature === 'score' ? Infinity : last.value / (last.threshold || 1))
  return [...Map.groupBy(rows, ({ feature }) => feature)]
    .flatMap(([feature, own]) => {
      const windows = own.toSorted((a, b) => (a.window_end < b.window_end ? -1 : 1))
      const last = windows.at(-1)
      return last === undefined ? [] : [{ feature, windows, last }]
    })
    .sort((a, b) => weight(b) - weight(a))
}
