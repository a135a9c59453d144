/**
 * Aggregates as ClickHouse aggregate functions: what each means, said by somebody else. `rank` counts held events from the newest, 1 on.
 * Sketches are judged by the exact figures they estimate.
 */
import { DAY_MS, MEAN_MONTH_MS } from '../language/calendar.ts'
import type { Aggregate } from '../aggregates/aggregate.ts'
import { numeral } from './sql-text.ts'

/** What an aggregate runs over: the value's column and the condition under which a row counts. */
interface Rows {
  readonly value: string
  readonly where: string
  /** Whether rows have ranks: they are held events. */
  readonly held: boolean
  readonly parameter: number
}

const atLeast = (count: number, { where }: Rows, sql: string): string => `if(countIf(${where}) < ${count}, nan, toFloat64(${sql}))`

/** Values in order of time, the newest first. */
const newestFirst = ({ value, where }: Rows): string => `arrayMap(x -> x.2, arraySort(groupArrayIf((rank, ${value}), ${where})))`

/** Days between events that follow one another. */
const gaps = ({ where }: Rows): string => {
  const times = `arraySort(groupArrayIf(time, ${where}))`
  return `arrayMap((later, earlier) -> (later - earlier) / ${DAY_MS}, arrayPopFront(${times}), arrayPopBack(${times}))`
}

/** Lengths of the runs of ones, in order of time. */
const runs = (rows: Rows): string =>
  `arrayMap(run -> length(run), splitByChar('0', arrayStringConcat(arrayMap(x -> toString(toUInt8(x)), arrayReverse(${newestFirst(rows)})))))`

const deviation = (array: string): string => `sqrt(arraySum(x -> pow(x - arrayAvg(${array}), 2), ${array}) / (length(${array}) - 1))`

const decayed = (value: string, { where, parameter }: Rows): string =>
  `sumIf(${value} * exp2((time - t) / ${numeral(parameter)}), ${where})`

const END: Readonly<Record<'first' | 'last', (rows: Rows) => string>> = {
  first: ({ value, where, held }) => (held ? `argMaxIf(${value}, rank, ${where})` : `argMinIf(${value}, (time, ${value}), ${where})`),
  last: ({ value, where, held }) => (held ? `argMinIf(${value}, rank, ${where})` : `argMaxIf(${value}, (time, ${value}), ${where})`),
}

const slope = (rows: Rows): string => {
  const x = `((time - t) / ${MEAN_MONTH_MS})`
  const spread = `varPopStableIf(${x}, ${rows.where})`
  const second = `pow(1000 / ${MEAN_MONTH_MS}, 2)`
  return atLeast(
    2,
    rows,
    `if(${spread} * countIf(${rows.where}) > ${second}, covarPopStableIf(${x}, ${rows.value}, ${rows.where}) / ${spread}, nan)`,
  )
}

const topShare = (rows: Rows): string => {
  const all = `groupArrayIf(${rows.value}, ${rows.where})`
  const counts = `arrayReverseSort(arrayMap(one -> countEqual(${all}, one), arrayDistinct(${all})))`
  return atLeast(1, rows, `arraySum(arraySlice(${counts}, 1, ${rows.parameter})) / countIf(${rows.where})`)
}

const zLast = (rows: Rows): string => {
  const before = `arrayPopFront(${newestFirst(rows)})`
  const varied = `length(arrayDistinct(${before})) > 1`
  return atLeast(3, rows, `if(${varied}, (${END.last(rows)} - arrayAvg(${before})) / ${deviation(before)}, nan)`)
}

const quantile = (rows: Rows): string => {
  const { value, where, held, parameter } = rows
  if (held) return atLeast(1, rows, `quantileExactInclusiveIf(${parameter})(${value}, ${where})`)
  return atLeast(1, rows, `arraySort(groupArrayIf(${value}, ${where}))[1 + toUInt64(floor((countIf(${where}) - 1) * ${parameter}))]`)
}

const SQL: Readonly<Record<string, (rows: Rows) => string>> = {
  count: ({ where }) => `toFloat64(countIf(${where}))`,
  sum: ({ value, where }) => `sumIf(${value}, ${where})`,
  mean: (rows) => atLeast(1, rows, `sumIf(${rows.value}, ${rows.where}) / countIf(${rows.where})`),
  variance: (rows) => atLeast(2, rows, `varSampStableIf(${rows.value}, ${rows.where})`),
  std: (rows) => atLeast(2, rows, `stddevSampStableIf(${rows.value}, ${rows.where})`),
  min: (rows) => atLeast(1, rows, `minIf(${rows.value}, ${rows.where})`),
  max: (rows) => atLeast(1, rows, `maxIf(${rows.value}, ${rows.where})`),
  first: (rows) => atLeast(1, rows, END.first(rows)),
  last: (rows) => atLeast(1, rows, END.last(rows)),
  'nth-last': (rows) => atLeast(rows.parameter, rows, `${newestFirst(rows)}[${rows.parameter}]`),
  slope,
  'days-since-last': (rows) => atLeast(1, rows, `(any(t) - maxIf(time, ${rows.where})) / ${DAY_MS}`),
  'longest-streak': (rows) => atLeast(1, rows, `arrayMax(${runs(rows)})`),
  'current-streak': (rows) => atLeast(1, rows, `${runs(rows)}[-1]`),
  'decayed-sum': (rows) => decayed(rows.value, rows),
  'decayed-rate': (rows) => `${decayed('1', rows)} * log(2) / ${numeral(rows.parameter / DAY_MS)}`,
  distinct: ({ value, where }) => `toFloat64(uniqExactIf(${value}, ${where}))`,
  'top-share': topShare,
  quantile,
  'gap-mean': (rows) => atLeast(2, rows, `arrayAvg(${gaps(rows)})`),
  'gap-std': (rows) => atLeast(3, rows, deviation(gaps(rows))),
  'gap-max': (rows) => atLeast(2, rows, `arrayMax(${gaps(rows)})`),
  'z-last': zLast,
}

/** The aggregate over the rows of one group. `days-since-first` looks past what is held and is written by the caller. */
export const aggregateSql = (how: Aggregate, rows: Omit<Rows, 'parameter'>): string => {
  const { name, parameter } = how.algorithm ?? { name: how.name, parameter: NaN }
  const sql = SQL[name]
  if (sql === undefined) throw new TypeError(`the aggregate "${name}" is not written in SQL; add it to features/sql/aggregate-sql.ts`)
  return sql({ ...rows, parameter })
}

/** What aggregates make of no rows at all. */
export const ofNothing = (how: Aggregate): string =>
  ['count', 'sum', 'decayed-sum', 'decayed-rate', 'distinct'].includes(how.algorithm?.name ?? how.name) ? '0' : 'nan'
