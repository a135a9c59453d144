/** A text as a ClickHouse literal, so that the statement shown is the statement asked, and runs anywhere. */
export const text = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
