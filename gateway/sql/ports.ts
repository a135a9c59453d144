/** What the SQL interface needs of an engine. */

interface SqlResult {
  readonly bytes: Buffer
  readonly rows: number
}

interface SqlChunk {
  readonly bytes: Buffer
  readonly rows: number
}

/** One conversation with the engine: settings made in it stay in it. */
export interface SqlLane {
  query(sql: string, format?: string): Promise<SqlResult>
  /** Block by block; each chunk formatted as if it stood alone. Ending the iteration early ends the query. */
  stream(sql: string, format: string): AsyncGenerator<SqlChunk, void, undefined>
  /** How the engine's own parser takes a text: `queryClass` 0 reads. */
  classify(sql: string): Promise<{ readonly statementCount: number; readonly queryClass: number }>
  close(): Promise<void>
}

export interface SqlEngine {
  /** `patient`: a lane whose statements may take as long as they like. */
  connect(options?: { readonly patient?: boolean }): SqlLane
  /** Ends the queries of lanes whose setting `log_comment` has this value. */
  cancel(logComment: string): Promise<void>
}

export interface SqlLogger {
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
