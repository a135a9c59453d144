/** The statements of the portfolio view. What is shown is what these select, so that each can be taken further in SQL. */
import { type Slice, sourceOf } from './segments.ts'

export type Step = 'day' | 'week' | 'month'
const STARTS: Readonly<Record<Step, string>> = {
  day: 'toStartOfDay(event_time)',
  week: 'toStartOfWeek(event_time, 1)',
  month: 'toStartOfMonth(event_time)',
}

/** Of applications: at a bad rate of a fifth, the 95 % interval of a point is then some 15 percentage points either way. */
const APPLICATIONS_A_POINT_MIN = 30

/** Wide enough that a point holds more than noise, narrow enough that a trend shows: at most about 60 points, or fewer where there is little. */
export const stepOf = (days: number, applications: number): Step => {
  const holds = (stepDays: number): boolean => (applications * Math.min(stepDays, days)) / days >= APPLICATIONS_A_POINT_MIN
  return days <= 60 && (holds(1) || days <= 14) ? 'day' : days <= 420 && (holds(7) || days <= 60) ? 'week' : 'month'
}

export interface Totals {
  readonly applications: number
  readonly approved: number
  readonly referred: number
  readonly declined: number
  readonly amount_approved: number
  readonly currencies: number
  readonly one_currency: string
  readonly matured_approved: number
  readonly bad_approved: number
  readonly mean_probability: number | null
}

export const totalsStatement = (slice: Slice): string => {
  const source = sourceOf(slice)
  return `${source.with}SELECT
    count() AS applications,
    countIf(decision = 'approve') AS approved,
    countIf(decision = 'refer') AS referred,
    countIf(decision = 'decline') AS declined,
    sumIf(amount, decision = 'approve') AS amount_approved,
    uniqExact(currency) AS currencies,
    any(currency) AS one_currency,
    countIf(decision = 'approve' AND matured) AS matured_approved,
    countIf(decision = 'approve' AND label = 1) AS bad_approved,
    avg(probability) AS mean_probability
${source.from}`
}

export interface Period {
  /** Unix seconds. */
  readonly second: number
  readonly applications: number
  readonly approved: number
  readonly referred: number
  readonly declined: number
  readonly matured_approved: number
  readonly bad_approved: number
  readonly outcomes: number
  readonly bad: number
  readonly expected: number
}

export const periodsStatement = (slice: Slice, step: Step): string => {
  const source = sourceOf(slice)
  return `${source.with}SELECT
    toUnixTimestamp(toDateTime(${STARTS[step]}, 'UTC')) AS second,
    count() AS applications,
    countIf(decision = 'approve') AS approved,
    countIf(decision = 'refer') AS referred,
    countIf(decision = 'decline') AS declined,
    countIf(decision = 'approve' AND matured) AS matured_approved,
    countIf(decision = 'approve' AND label = 1) AS bad_approved,
    countIf(matured) AS outcomes,
    countIf(label = 1) AS bad,
    avg(probability) AS expected
${source.from}
GROUP BY second
ORDER BY second`
}

export interface SegmentRow {
  readonly segment: string
  readonly applications: number
  readonly approved: number
  readonly matured_approved: number
  readonly bad_approved: number
  readonly expected: number
}

/** Values of a dimension beyond these few are the long tail of a free-text field. */
const SEGMENTS_MAX = 30

export const segmentsStatement = (slice: Slice): string => {
  const source = sourceOf({ ...slice, segment: '' })
  return `${source.with}SELECT
    segment,
    count() AS applications,
    countIf(decision = 'approve') AS approved,
    countIf(decision = 'approve' AND matured) AS matured_approved,
    countIf(decision = 'approve' AND label = 1) AS bad_approved,
    avg(probability) AS expected
${source.from}
GROUP BY segment
ORDER BY ${slice.dimension.ordered === true ? 'segment' : 'applications DESC'}
LIMIT ${SEGMENTS_MAX}`
}

export interface BandRow {
  readonly score_from: number
  readonly applications: number
  readonly expected: number
  readonly outcomes: number
  readonly bad: number
}

export const bandsStatement = (slice: Slice): string => {
  const source = sourceOf(slice)
  return `${source.with}SELECT
    floor(score / 20) * 20 AS score_from,
    count() AS applications,
    avg(probability) AS expected,
    countIf(matured) AS outcomes,
    countIf(label = 1) AS bad
${source.from}
GROUP BY score_from
ORDER BY score_from DESC`
}

export interface ReasonRow {
  readonly code: string
  readonly reason: string
  readonly given: number
  readonly first: number
}

export const reasonsStatement = (slice: Slice): string => {
  const source = sourceOf(slice)
  return `${source.with}SELECT
    code,
    any(reason) AS reason,
    count() AS given,
    countIf(place = 1) AS first
FROM
(
    SELECT codes, texts
    ${source.from.replaceAll('\n', '\n    ')}
    WHERE decision != 'approve'
)
ARRAY JOIN codes AS code, texts AS reason, arrayEnumerate(codes) AS place
GROUP BY code
ORDER BY given DESC
LIMIT 12`
}

/** First and last day there is. */
export const EXTENT = `SELECT toString(toDate(min(event_time))) AS first, toString(toDate(max(event_time))) AS last, count() AS n FROM decisions`
