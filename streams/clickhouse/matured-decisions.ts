/**
 * What the tables know that no stream holds in bounded memory: decisions beside their matured outcomes and, for fairness alone, beside the
 * vault's mirror. By calendar month of event time and model version; only months that something new fell into.
 */
import { sqlString } from './chdb-engine.ts'
import { clickhouseInstant } from './facts.ts'
import type { SqlConnection } from './ports.ts'

export interface MonthOfModel {
  /** Milliseconds since the epoch; `to` exclusive. */
  readonly from: number
  readonly to: number
  readonly modelVersion: string
}

const epochMs = (expression: string): string => `toUnixTimestamp64Milli(toDateTime64(${expression}, 3, 'UTC'))`
const MONTH = 'toStartOfMonth(event_time)'

/** Instants up to which the tables have been looked at: wall clock of decisions, outcomes and attributes. */
export interface Looked {
  readonly decisions: number
  readonly outcomes: number
  readonly attributes: number
}

export const NEVER_LOOKED: Looked = { decisions: 0, outcomes: 0, attributes: 0 }

export const newestOf = async (connection: SqlConnection, database: string): Promise<Looked> => {
  const newest = (column: string, table: string): string =>
    `(SELECT if(count() = 0, 0, toUnixTimestamp64Milli(max(${column}))) FROM ${database}.${table})`
  const [row] = await connection.rows<Looked>(
    `SELECT ${newest('decided_at', 'decisions')} AS decisions, ${newest('ingested_at', 'outcomes')} AS outcomes, ${newest('recorded_at', 'protected')} AS attributes`,
  )
  return row ?? NEVER_LOOKED
}

/** Months whose decisions, outcomes or groups changed since; ascending. */
export const monthsChanged = async (connection: SqlConnection, database: string, since: Looked): Promise<MonthOfModel[]> => {
  const rows = await connection.rows<{ from: number; to: number; model_version: string }>(`
    SELECT DISTINCT ${epochMs(MONTH)} AS from, ${epochMs(`addMonths(${MONTH}, 1)`)} AS to, model_version
    FROM ${database}.decisions
    WHERE decided_at > ${instantOf(since.decisions)}
      OR application_id IN (SELECT application_id FROM ${database}.outcomes WHERE ingested_at > ${instantOf(since.outcomes)})
      OR applicant_id IN (SELECT applicant_id FROM ${database}.protected WHERE recorded_at > ${instantOf(since.attributes)})
    ORDER BY from, model_version`)
  return rows.map(({ from, to, model_version }) => ({ from, to, modelVersion: model_version }))
}

const instantOf = (ms: number): string => `toDateTime64(${sqlString(clickhouseInstant(ms))}, 3, 'UTC')`

/** The months given, all of one query: adjoining ones of one model come together. */
const inMonths = (months: readonly MonthOfModel[]): string =>
  months
    .map(
      ({ from, to, modelVersion }) =>
        `(event_time >= ${instantOf(from)} AND event_time < ${instantOf(to)} AND model_version = ${sqlString(modelVersion)})`,
    )
    .join(' OR ')

/** Which month and model a row belongs to. */
interface InMonth {
  readonly from: number
  readonly model_version: string
}

/** Sums over loans whose predicted log-odds of bad lie within the same 0.02; observed outcomes of applicants the model was not fitted on. */
export interface OutcomeBin extends InMonth {
  readonly logOdds: number
  readonly goods: number
  readonly bads: number
  readonly probability: number
  readonly squaredError: number
  readonly squaredErrorSquared: number
}

export const outcomeBins = (connection: SqlConnection, database: string, months: readonly MonthOfModel[]): Promise<OutcomeBin[]> =>
  connection.rows<OutcomeBin>(`
    SELECT
      from, model_version, avg(log_odds) AS logOdds, toUInt32(countIf(bad = 0)) AS goods, toUInt32(countIf(bad = 1)) AS bads,
      sum(p) AS probability, sum(pow(p - bad, 2)) AS squaredError, sum(pow(p - bad, 4)) AS squaredErrorSquared
    FROM (
      SELECT ${epochMs(MONTH)} AS from, model_version, greatest(1e-9, least(1 - 1e-9, probability)) AS p, log(p / (1 - p)) AS log_odds, assumeNotNull(label) AS bad
      FROM ${database}.decisions_with_outcomes
      WHERE (${inMonths(months)}) AND NOT in_training AND observed
    )
    GROUP BY from, model_version, round(log_odds * 50)`)

export interface GroupRow extends InMonth {
  readonly attribute: string
  readonly group: string
  readonly approved: number
  readonly referred: number
  readonly declined: number
  readonly goods: number
  readonly goodsApproved: number
  readonly bads: number
  readonly badsApproved: number
}

/** Age at the application: bands of the contract; years of birth are coarse by a year, which is what the vault keeps. */
const AGE_BAND = `multiIf(age < 18, 'under 18', age < 25, '18–24', age < 40, '25–39', age < 62, '40–61', '62+')`

/** Decisions and observed outcomes by group. Rows are sums over people; the queries run on the monitor's own connection, never on the SQL port. */
export const groupCounts = (connection: SqlConnection, database: string, months: readonly MonthOfModel[]): Promise<GroupRow[]> =>
  connection.rows<GroupRow>(`
    WITH toYear(d.event_time) - ifNull(toInt32OrNull(p.value), 0) AS age
    SELECT
      d.from AS from, d.model_version AS model_version,
      if(p.attribute = 'birthYear', 'age-band', p.attribute) AS \`attribute\`,
      if(p.attribute = 'birthYear', ${AGE_BAND}, p.value) AS \`group\`,
      toUInt32(countIf(d.decision = 'approve')) AS approved,
      toUInt32(countIf(d.decision = 'refer')) AS referred,
      toUInt32(countIf(d.decision = 'decline')) AS declined,
      toUInt32(countIf(d.known AND d.bad = 0)) AS goods,
      toUInt32(countIf(d.known AND d.bad = 0 AND d.decision = 'approve')) AS goodsApproved,
      toUInt32(countIf(d.known AND d.bad = 1)) AS bads,
      toUInt32(countIf(d.known AND d.bad = 1 AND d.decision = 'approve')) AS badsApproved
    FROM (
      SELECT
        ${epochMs(MONTH)} AS from, model_version, applicant_id, decision, event_time,
        ifNull(observed, false) AS known, ifNull(label, 0) AS bad
      FROM ${database}.decisions_with_outcomes WHERE ${inMonths(months)}
    ) AS d
    INNER JOIN (
      SELECT applicant_id, attribute, argMax(value, sequence) AS value
      FROM ${database}.protected
      WHERE applicant_id IN (SELECT applicant_id FROM ${database}.decisions WHERE ${inMonths(months)})
      GROUP BY applicant_id, attribute
    ) AS p ON p.applicant_id = d.applicant_id
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4`)
