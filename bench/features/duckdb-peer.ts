/** The same sixty features in DuckDB SQL: a point-in-time join of applications with their past, one aggregate a feature, from the same Parquet file. */
import { DuckDBInstance, timestampMillisValue } from '@duckdb/node-api'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import type { AggregateDefinition } from '#features/language/feature.ts'
import type { CreditEvent } from '#schemas/events.ts'

const SQL: Readonly<Record<string, (value: string, where: string) => string>> = {
  sum: (value, where) => `coalesce(sum(${value}) FILTER (WHERE ${where}), 0)`,
  mean: (value, where) => `avg(${value}) FILTER (WHERE ${where})`,
  min: (value, where) => `min(${value}) FILTER (WHERE ${where})`,
  max: (value, where) => `max(${value}) FILTER (WHERE ${where})`,
  std: (value, where) => `stddev_samp(${value}) FILTER (WHERE ${where})`,
  last: (value, where) => `arg_max(${value}, e.time) FILTER (WHERE ${where})`,
}

const columnSql = ({ on, value, how, window }: AggregateDefinition): string => {
  if (value?.op !== 'field') throw new TypeError('the peer knows plain fields')
  const start =
    window.kind === 'months'
      ? `a.time - INTERVAL ${window.months} MONTH`
      : `a.time - INTERVAL ${window.kind === 'span' ? window.spanMs / 3_600_000 : 0} HOUR`
  return SQL[how.name]!(`e.${value.field}`, `e.kind = '${on}' AND e.time > ${start}`)
}

const statement = (set: CompiledFeatureSet, file: string): string => {
  const columns = set.definitions.map((definition, i) => {
    if (definition.kind !== 'aggregate') throw new TypeError('the peer knows aggregates')
    return `CAST(${columnSql(definition)} AS FLOAT) AS f${i}`
  })
  return `SELECT a.applicant, ${columns.join(', ')}
    FROM (SELECT applicant, time FROM '${file}' WHERE kind = 'application') a JOIN '${file}' e ON e.applicant = a.applicant AND e.time <= a.time
    GROUP BY a.applicant ORDER BY a.applicant`
}

const FIELDS = ['amount', 'closingBalance', 'creditLimit', 'repaymentStatus'] as const

/** Writes events to a Parquet file: one row each, fields of other kinds null. */
export const writeParquet = async (file: string, events: Iterable<CreditEvent>): Promise<void> => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    `CREATE TABLE e (applicant INTEGER, kind VARCHAR, time TIMESTAMP_MS, ${FIELDS.map((field) => `"${field}" BIGINT`).join(', ')})`,
  )
  const appender = await connection.createAppender('e')
  for (const event of events) {
    appender.appendInteger(Number(event.applicantId.slice(1)))
    appender.appendVarchar(event.kind)
    appender.appendTimestampMilliseconds(timestampMillisValue(BigInt(event.eventTime)))
    for (const field of FIELDS) {
      const value = (event as unknown as Readonly<Record<string, number | undefined>>)[field]
      if (value === undefined) appender.appendNull()
      else appender.appendBigInt(BigInt(value))
    }
    appender.endRow()
  }
  appender.closeSync()
  await connection.run(`COPY e TO '${file}' (FORMAT parquet, COMPRESSION snappy)`)
  connection.closeSync()
}

export interface Matrix {
  readonly rows: number
  /** Row-major, NaN = missing, rows by applicant. */
  readonly values: Float32Array
}

/** From the file to the matrix, on one thread. */
export const duckdbMatrix = async (set: CompiledFeatureSet, file: string): Promise<Matrix> => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const result = await connection.runAndReadAll(statement(set, file))
  const columns = result.getColumnsJS()
  const rows = columns[0]?.length ?? 0
  const values = new Float32Array(rows * set.size)
  for (let f = 0; f < set.size; f++)
    for (let row = 0; row < rows; row++) {
      const value = columns[f + 1]![row]
      values[row * set.size + f] = value === null ? NaN : Number(value)
    }
  connection.closeSync()
  return { rows, values }
}
