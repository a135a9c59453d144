/** Pieces of ClickHouse SQL. */

/** A text as a literal. */
export const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** A float64 as a literal that reads back as itself. */
export const numeral = (value: number): string => `toFloat64('${value}')`

/** Epoch milliseconds as a DateTime64 of a time zone. */
export const instantIn = (zone: string, epochMs: string): string => `fromUnixTimestamp64Milli(${epochMs}, ${literal(zone)})`
