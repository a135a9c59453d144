/** The same four events a row in DuckDB: CSV to lines of JSON in order of event time, on one thread. Nothing is checked; a cell that is no number is null. */
import { DuckDBInstance } from '@duckdb/node-api'

const EVENTS: Readonly<Record<string, string>> = {
  bureau: `'2018-05-17T11:59:00.000Z' AS eventTime, 'home-credit-bureau' AS source, 0 AS lines, 0 AS activeLines, 0 AS overdueAmount, 'CZK' AS currency,
    0 AS worstStatus, asked AS inquiries30d, asked + coalesce(TRY_CAST(AMT_REQ_CREDIT_BUREAU_QRT AS INTEGER), 0) +
    coalesce(TRY_CAST(AMT_REQ_CREDIT_BUREAU_YEAR AS INTEGER), 0) AS inquiries12m`,
  application: `'2018-05-17T12:00:00.000Z' AS eventTime, who AS applicationId,
    CASE NAME_CONTRACT_TYPE WHEN 'Revolving loans' THEN 'credit-card' ELSE 'personal-loan' END AS product,
    CAST(round(TRY_CAST(AMT_CREDIT AS DOUBLE) * 100) AS BIGINT) AS amount, 'CZK' AS currency, CASE NAME_CONTRACT_TYPE WHEN 'Revolving loans' THEN 0
    ELSE ceil(TRY_CAST(AMT_CREDIT AS DOUBLE) / TRY_CAST(AMT_ANNUITY AS DOUBLE))::INTEGER END AS termMonths,
    replace(lower(NAME_CONTRACT_TYPE), ' ', '-') AS purpose, 'branch' AS channel,
    CAST(round(TRY_CAST(AMT_INCOME_TOTAL AS DOUBLE) / 12 * 100) AS BIGINT) AS incomeMonthly, CASE NAME_INCOME_TYPE WHEN 'Pensioner' THEN 'retired'
    WHEN 'Businessman' THEN 'self-employed' ELSE 'employed' END AS employmentType, CASE DAYS_EMPLOYED WHEN '365243' THEN NULL
    ELSE strftime(DATE '2018-05-17' + TRY_CAST(DAYS_EMPLOYED AS INTEGER), '%Y-%m') END AS employmentSince,
    CASE NAME_HOUSING_TYPE WHEN 'With parents' THEN 'family' WHEN 'Rented apartment' THEN 'rent' ELSE 'own' END AS housing`,
  outcome: `'2019-05-17T12:00:00.000Z' AS eventTime, who AS applicationId, TRY_CAST(TARGET AS INTEGER) AS label, 'payment-difficulties' AS definition,
    365 AS horizonDays, '2019-05-17T12:00:00.000Z' AS maturedAt, true AS observed`,
  protected: `'2018-05-17T12:00:00.000Z' AS eventTime, {'sex': CASE CODE_GENDER WHEN 'F' THEN 'female' ELSE 'male' END,
    'birthYear': strftime(DATE '2018-05-17' + TRY_CAST(DAYS_BIRTH AS INTEGER), '%Y'), 'maritalStatus': lower(NAME_FAMILY_STATUS)} AS attributes`,
}

export const duckdbImport = async (csv: string, out: string): Promise<void> => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1', preserve_insertion_order: 'false' })).connect()
  const parts = Object.entries(EVENTS).map(
    ([kind, columns], at) =>
      `SELECT 'application_train.' || SK_ID_CURR || '.${kind}${at}' AS eventId, '${kind}' AS kind, who AS applicantId, 'home-credit-import' AS producer,
        ${columns} FROM rows WHERE TRY_CAST(AMT_CREDIT AS DOUBLE) IS NOT NULL`,
  )
  await connection.run(
    `COPY (WITH rows AS MATERIALIZED (SELECT *, 'hc-' || SK_ID_CURR AS who, coalesce(TRY_CAST(AMT_REQ_CREDIT_BUREAU_HOUR AS INTEGER), 0) +
      coalesce(TRY_CAST(AMT_REQ_CREDIT_BUREAU_DAY AS INTEGER), 0) + coalesce(TRY_CAST(AMT_REQ_CREDIT_BUREAU_WEEK AS INTEGER), 0) +
      coalesce(TRY_CAST(AMT_REQ_CREDIT_BUREAU_MON AS INTEGER), 0) AS asked FROM read_csv('${csv}', all_varchar = true, header = true))
      ${parts.join(' UNION ALL BY NAME ')} ORDER BY eventTime) TO '${out}' (FORMAT json)`,
  )
  connection.closeSync()
}
