/** By what the portfolio can be cut: each dimension is an expression over a decision, its application or its features. */
import { text } from '../api/sql-literal.ts'

export interface Dimension {
  readonly key: string
  readonly name: string
  /** Over the columns of `decisions_with_outcomes`; `application` is the JSON of the application's own fields. */
  readonly expression: string
  /** Needs the application event beside the decision. */
  readonly application?: true
  /** Feature whose place in the vector `at` names. */
  readonly feature?: string
  /** Values follow from numbers: shown in this order, not by size. */
  readonly ordered?: true
}

const stated = (field: string): string => `ifNull(nullIf(JSONExtractString(application, ${text(field)}), ''), 'not stated')`
/** Bands that are a few to a power of ten, in major units, sortable as text. */
const banded = (value: string, edges: readonly number[]): string => {
  const name = (amount: number): string => new Intl.NumberFormat('en-GB').format(amount)
  const labelled = edges.map(
    (edge, i) =>
      `${value} < ${edge * 100}, ${text(i === 0 ? `1. below ${name(edge)}` : `${i + 1}. ${name(edges[i - 1] ?? 0)} to ${name(edge)}`)}`,
  )
  return `multiIf(${labelled.join(', ')}, ${text(`${edges.length + 1}. ${name(edges.at(-1) ?? 0)} and more`)})`
}

const LIMIT = 'applicant.statement.creditLimit.last.6mo'
const LATE = 'applicant.statement.repaymentStatus.max.3mo'
const UTILISATION = 'applicant.statement.utilisation.last.6mo'

export const DIMENSIONS: readonly Dimension[] = [
  {
    key: 'limit',
    name: 'Credit limit',
    feature: LIMIT,
    ordered: true,
    expression: `if(isNaN(features[at[feature_set_hash]]), 'unknown', ${banded('features[at[feature_set_hash]]', [50_000, 100_000, 200_000, 300_000, 500_000])})`,
  },
  {
    key: 'late',
    name: 'Worst status in three months',
    feature: LATE,
    ordered: true,
    expression: `multiIf(isNaN(features[at[feature_set_hash]]), 'unknown', features[at[feature_set_hash]] <= 0, '0. never late', features[at[feature_set_hash]] = 1, '1. one month late', features[at[feature_set_hash]] = 2, '2. two months late', '3. three months or more')`,
  },
  {
    key: 'utilisation',
    name: 'Utilisation',
    feature: UTILISATION,
    ordered: true,
    expression: `multiIf(isNaN(features[at[feature_set_hash]]), 'unknown', features[at[feature_set_hash]] < 0.1, '1. below 10 %', features[at[feature_set_hash]] < 0.5, '2. 10 to 50 %', features[at[feature_set_hash]] < 0.9, '3. 50 to 90 %', '4. 90 % and more')`,
  },
  { key: 'amount', name: 'Amount applied for', ordered: true, expression: banded('amount', [10_000, 30_000, 60_000, 100_000]) },
  { key: 'product', name: 'Product', expression: 'toString(product)' },
  { key: 'channel', name: 'Channel', application: true, expression: stated('channel') },
  { key: 'purpose', name: 'Purpose', application: true, expression: stated('purpose') },
  { key: 'employment', name: 'Employment', application: true, expression: stated('employmentType') },
  { key: 'housing', name: 'Housing', application: true, expression: stated('housing') },
  { key: 'model', name: 'Model', expression: 'toString(model_version)' },
  { key: 'policy', name: 'Policy', expression: 'toString(policy_version)' },
  { key: 'trained', name: 'Seen in training', expression: `if(in_training, 'trained on', 'held out')` },
]

export interface Slice {
  /** Days, inclusive, `YYYY-MM-DD`; empty for no bound. */
  readonly from: string
  readonly to: string
  readonly dimension: Dimension
  /** One value of the dimension; empty for all. */
  readonly segment: string
}

const DAY = /^\d{4}-\d{2}-\d{2}$/
/** A day as typed, or empty where it is none: it becomes part of a statement. */
export const dayOf = (value: string): string => (DAY.test(value) && !Number.isNaN(Date.parse(value)) ? value : '')

/** `WITH …` (or nothing) and the `FROM … WHERE …` that every statement of the view shares. `segment` is a column of it. */
export const sourceOf = ({ from, to, dimension, segment }: Slice): { readonly with: string; readonly from: string } => {
  const { feature, application, expression } = dimension
  const before =
    feature === undefined
      ? ''
      : `WITH (
    SELECT mapFromArrays(groupArray(toString(feature_set_hash)), groupArray(position))
    FROM feature_dictionary FINAL
    WHERE feature = ${text(feature)}
) AS at
`
  const joined =
    application === undefined
      ? 'decisions_with_outcomes'
      : `(
        SELECT d.*, e.body AS application
        FROM decisions_with_outcomes AS d
        INNER JOIN (SELECT partition, offset, body FROM events FINAL WHERE kind = 'application') AS e ON e.partition = d.partition AND e.offset = d.offset
    )`
  const where = [
    ...(from === '' ? [] : [`event_time >= ${text(from)}`]),
    ...(to === '' ? [] : [`event_time < toDate(${text(to)}) + 1`]),
    ...(segment === '' ? [] : [`segment = ${text(segment)}`]),
  ]
  const inner = `SELECT event_time, decision, probability, score, amount, currency, matured, label, reasons.code AS codes, reasons.text AS texts, ${expression.replaceAll('[feature_set_hash]', '[toString(feature_set_hash)]')} AS segment
    FROM ${joined}${where.length === 0 ? '' : `\n    WHERE ${where.join(' AND ')}`}`
  return { with: before, from: `FROM\n(\n    ${inner}\n)` }
}
