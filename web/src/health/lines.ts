/** Rows of several named series as what a time chart draws: one axis, gaps where a series has no value. */
import type { TimeSeries } from '../charts/time-series.ts'

/** Lines beyond these would not be told apart. */
const COLOURS: readonly `--${string}`[] = ['--accent', '--decline', '--second', '--fine', '--refer', '--soft']

export interface NamedValue {
  readonly second: number
  readonly name: string
  readonly value: number
}

export const lines = (rows: readonly NamedValue[]): { readonly seconds: readonly number[]; readonly series: readonly TimeSeries[] } => {
  const seconds = [...new Set(rows.map(({ second }) => second))].sort((a, b) => a - b)
  const names = [...new Set(rows.map(({ name }) => name))].slice(0, COLOURS.length)
  const series = names.map((name, i) => {
    const own = new Map(rows.filter((row) => row.name === name).map(({ second, value }) => [second, value]))
    return { name, colour: COLOURS[i] ?? '--accent', values: seconds.map((second) => own.get(second) ?? null) }
  })
  return { seconds, series }
}
