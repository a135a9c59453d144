/** Runs generated SQL in ClickHouse over events given as a test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import { featureSql } from '#features/sql/feature-sql.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { ChdbEngine, sqlString } from '#streams/clickhouse/chdb-engine.ts'

/** An event at its position in the log. */
export interface Placed {
  readonly event: CreditEvent
  readonly offset: number
}

/** A vector wanted: as of this application, at this position. */
export interface Ask {
  readonly id: string
  readonly application: ApplicationEvent
  readonly offset: number
}

export const SCHEMA = `(event_id String, kind String, applicant_id String, event_time DateTime64(3, 'UTC'), producer String, partition UInt32, offset UInt64, body String)`
export const ASK_SCHEMA = `(ask String, applicant_id String, event_time DateTime64(3, 'UTC'), partition UInt32, offset UInt64, body String)`

export const instant = (epochMs: number): string => new Date(epochMs).toISOString().replace('T', ' ').replace('Z', '')

export const bodyOf = (event: CreditEvent): string => {
  const { eventId: _, kind: __, applicantId: ___, eventTime: ____, producer: _____, tenant: ______, ...body } = event
  return JSON.stringify(body)
}

export class SqlOracle {
  readonly #directory = mkdtempSync(join(tmpdir(), 'scorestream-features-'))
  readonly #engine = new ChdbEngine(this.#directory, { memoryBytesMax: 1_500_000_000 })
  readonly #connection = this.#engine.connect()

  async load(table: string, schema: string, rows: readonly object[]): Promise<void> {
    const path = join(this.#directory, `${table}.ndjson`)
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    await this.#connection.query(`CREATE OR REPLACE TABLE default.${table} ${schema} ENGINE = Memory`)
    await this.#connection.query(`INSERT INTO default.${table} FROM INFILE ${sqlString(path)} FORMAT JSONEachRow`)
  }

  async fill(events: readonly Placed[], asks: readonly Ask[]): Promise<void> {
    await this.load(
      'events',
      SCHEMA,
      events.map(({ event, offset }) => ({
        event_id: event.eventId,
        kind: event.kind,
        applicant_id: event.applicantId,
        event_time: instant(event.eventTime),
        producer: event.producer,
        partition: 0,
        offset,
        body: bodyOf(event),
      })),
    )
    await this.load(
      'asks',
      ASK_SCHEMA,
      asks.map(({ id, application, offset }) => ({
        ask: id,
        applicant_id: application.applicantId,
        event_time: instant(application.eventTime),
        partition: 0,
        offset,
        body: bodyOf(application),
      })),
    )
  }

  /** Vectors by ask, in float64; NaN where missing. `plant` may falsify the statement. */
  async vectors(
    set: CompiledFeatureSet,
    plant: (sql: string) => string = (sql) => sql,
    known: 'then' | 'now' = 'then',
  ): Promise<Map<string, readonly number[]>> {
    return this.ask(plant(featureSql(set, { events: 'default.events', asks: 'default.asks', known })))
  }

  async ask(sql: string): Promise<Map<string, readonly number[]>> {
    await this.#connection.query('SET max_query_size = 10000000, max_ast_elements = 1000000, max_expanded_ast_elements = 5000000')
    const rows = await this.#connection.rows<{ ask: string; features: (number | null)[] }>(sql)
    return new Map(rows.map(({ ask, features }) => [ask, features.map((value) => value ?? NaN)]))
  }

  async close(): Promise<void> {
    await this.#connection.close()
    await this.#engine.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
