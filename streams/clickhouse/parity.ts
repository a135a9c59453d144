/**
 * The parity meter: features of decisions already made are computed again, from raw events, by generated SQL, as they were known then (by
 * position in the log), and compared with what was scored. Any difference is a fault of the fold, of the state store, or of this statement.
 */
import type { FeatureSetParts } from '#features/set-parts.ts'
import { featureSql } from '#features/sql/feature-sql.ts'
import { sqlString } from './chdb-engine.ts'

export interface ParityQuestion {
  /** Its features of the applicant alone are compared: what linked entities said is judged by replay. */
  readonly featureSet: FeatureSetParts
  readonly database: string
  /** Decisions looked at, at most. */
  readonly sample: number
  /** Other seeds draw other decisions. */
  readonly seed: number
  /** Only decisions made since then, wall clock ms; absent, all. */
  readonly since?: number
  /** Leaves out that many of the drawn order: page after page compares everything. */
  readonly skip?: number
  /** Runs one statement and gives its rows; non-finite numbers as null. */
  readonly rows: (sql: string) => Promise<readonly object[]>
}

export interface ParityMismatch {
  readonly decisionId: string
  readonly feature: string
  /** NaN = missing. */
  readonly scored: number
  readonly recomputed: number
}

export interface ParityReport {
  readonly featureSetHash: string
  readonly decisions: number
  readonly values: number
  readonly mismatches: number
  /** mismatches / values; 0 where nothing was compared. */
  readonly mismatchRate: number
  /** The first of them. */
  readonly examples: readonly ParityMismatch[]
}

const SAMPLE_MAX = 10_000
const EXAMPLES_MAX = 20
/**
 * Both sides round to float32, after additions in another order: one unit in the last place of a float32, and as much again where terms
 * cancel.
 */
const RELATIVE = 2 ** -22
/** Slopes and deviations of equal values leave residues of the size of the float64 rounding of their terms. */
const ABSOLUTE = 1e-6

const agree = (scored: number, recomputed: number): boolean =>
  Number.isNaN(scored) || Number.isNaN(recomputed)
    ? Number.isNaN(scored) && Number.isNaN(recomputed)
    : Math.abs(scored - recomputed) <= RELATIVE * Math.max(Math.abs(scored), Math.abs(recomputed)) + ABSOLUTE

/** The drawn decisions: by hash of their id, so that which are drawn depends on nothing else. */
const drawnSql = ({ database, featureSet, sample, seed, since = 0, skip = 0 }: ParityQuestion): string => `(
  SELECT decision_id, any(partition) AS partition, any(offset) AS offset, any(applicant_id) AS applicant_id, any(features) AS features
  FROM ${database}.decisions
  WHERE feature_set_hash = ${sqlString(featureSet.set.hash)}${since > 0 ? ` AND decided_at >= fromUnixTimestamp64Milli(${Math.floor(since)})` : ''}
  GROUP BY decision_id
  ORDER BY sipHash64(decision_id, ${seed}), decision_id LIMIT ${sample} OFFSET ${skip}
)`

interface Row {
  readonly ask: string
  readonly features: readonly (number | null)[]
}

const vectors = async (question: ParityQuestion, sql: string): Promise<Map<string, readonly number[]>> => {
  const found = (await question.rows(sql)) as readonly Row[]
  return new Map(found.map(({ ask, features }) => [ask, features.map((value) => value ?? NaN)]))
}

/** @throws RangeError where the sample is not 1 to 10,000. */
export const measureParity = async (question: ParityQuestion): Promise<ParityReport> => {
  const { featureSet, database, sample } = question
  if (!Number.isInteger(sample) || sample < 1 || sample > SAMPLE_MAX)
    throw new RangeError(`a parity sample is 1 to ${SAMPLE_MAX} decisions, got ${sample}`)
  const drawn = drawnSql(question)
  const scored = await vectors(question, `SELECT decision_id AS ask, features FROM ${drawn}`)
  const asks = `(
  SELECT d.decision_id AS ask, e.applicant_id AS applicant_id, e.event_time AS event_time, e.partition AS partition, e.offset AS offset, e.body AS body
  FROM (SELECT applicant_id, event_time, partition, offset, body FROM ${database}.events FINAL WHERE kind = 'application' AND applicant_id IN (SELECT applicant_id FROM ${drawn})) AS e
  INNER JOIN ${drawn} AS d ON d.partition = e.partition AND d.offset = e.offset
)`
  const events = `(SELECT * FROM ${database}.events FINAL WHERE applicant_id IN (SELECT applicant_id FROM ${drawn}))`
  const recomputed = await vectors(question, featureSql(featureSet.own, { events, asks, known: 'then' }))
  const found: ParityMismatch[] = []
  let values = 0
  for (const [decisionId, vector] of scored) {
    const other = recomputed.get(decisionId)
    // The events sink may stand behind the decisions sink: that decision is compared another time.
    if (other === undefined) continue
    featureSet.ownAt.forEach((place, i) => {
      const value = vector[place]!
      values++
      const rounded = Math.fround(other[i]!)
      if (!agree(value, rounded)) found.push({ decisionId, feature: featureSet.own.features[i]!.name, scored: value, recomputed: rounded })
    })
  }
  return {
    featureSetHash: featureSet.set.hash,
    decisions: recomputed.size,
    values,
    mismatches: found.length,
    mismatchRate: values === 0 ? 0 : found.length / values,
    examples: found.slice(0, EXAMPLES_MAX),
  }
}
