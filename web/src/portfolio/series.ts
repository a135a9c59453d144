/** From periods to the series of the charts. */
import type { TimeSeries } from '../charts/time-series.ts'
import { wilson } from '../parts/interval.ts'
import type { Period } from './statements.ts'

export const outcomeSeries = (rows: readonly Period[]): readonly TimeSeries[] => [
  { name: 'Approved', colour: '--approve', values: rows.map(({ approved, applications }) => approved / applications) },
  { name: 'Referred', colour: '--refer', values: rows.map(({ referred, applications }) => referred / applications) },
  { name: 'Declined', colour: '--decline', values: rows.map(({ declined, applications }) => declined / applications) },
]

/** Fewer matured outcomes than this say nothing of a rate. */
const MATURED_MIN = 20

export const badRateSeries = (rows: readonly Period[]): readonly TimeSeries[] => {
  const rate = (bad: number, of: number): number | null => (of < MATURED_MIN ? null : bad / of)
  const intervals = rows.map(({ bad_approved: bad, matured_approved: n }) => (n < MATURED_MIN ? null : wilson(bad, n)))
  return [
    { name: 'Approved', colour: '--approve', values: rows.map(({ bad_approved: bad, matured_approved: n }) => rate(bad, n)) },
    { name: 'low', colour: '--approve', values: intervals.map((one) => one?.low ?? null), dashed: true },
    { name: 'high', colour: '--approve', values: intervals.map((one) => one?.high ?? null), dashed: true },
    { name: 'All applications', colour: '--soft', values: rows.map(({ bad, outcomes }) => rate(bad, outcomes)) },
    { name: 'Expected of all', colour: '--second', values: rows.map(({ expected }) => expected) },
  ]
}
