/**
 * Mirrors the vault into `protected`, for fairness statistics alone: the SQL port refuses every way to that table. An erasure in the vault
 * rewrites the parts that held the subject.
 */
import type { VaultRow } from '../ports.ts'
import { sqlString } from './chdb-engine.ts'
import { clickhouseInstant } from './facts.ts'
import type { RowWriter, SqlConnection } from './ports.ts'

/** The vault's reading half. */
interface ProtectedSource {
  /** Rows from `sequence` on, at most `rowsMax`, ascending; null attributes mark an erasure. */
  read(sequence: number, rowsMax: number): readonly VaultRow[]
}

export interface ProtectedSinkOptions {
  readonly source: ProtectedSource
  readonly connection: SqlConnection
  readonly inserter: RowWriter
  readonly database: string
  /** Null on one machine. */
  readonly cluster?: string | null
  readonly now: () => number
}

const ROWS_MAX = 2_000

export class ProtectedSink {
  readonly #options: ProtectedSinkOptions
  #next: number | undefined
  inserted = 0

  constructor(options: ProtectedSinkOptions) {
    this.#options = options
  }

  /** Mirrors what the vault has; true where there may be more. Call again after a failure: it resumes from the table. */
  async step(): Promise<boolean> {
    this.#next ??= await this.#resume()
    const rows = this.#options.source.read(this.#next, ROWS_MAX)
    let group: VaultRow[] = []
    for (const row of rows) {
      if (row.attributes !== null) {
        group.push(row)
        continue
      }
      // In order: what was said before the erasure goes in first and is then erased with the rest.
      await this.#insert(group)
      group = []
      await this.#erase(row.subject)
    }
    await this.#insert(group)
    const last = rows.at(-1)
    if (last !== undefined) this.#next = last.sequence + 1
    return rows.length === ROWS_MAX
  }

  async #resume(): Promise<number> {
    const { connection, database } = this.#options
    const [row] = await connection.rows<{ next: number }>(`SELECT if(count() = 0, 0, max(sequence) + 1) AS next FROM ${database}.protected`)
    return row?.next ?? 0
  }

  async #insert(rows: readonly VaultRow[]): Promise<void> {
    const recorded_at = clickhouseInstant(this.#options.now())
    await this.#options.inserter.insertObjects(
      'protected',
      rows.flatMap(({ sequence, subject, attributes }) =>
        Object.entries(attributes ?? {}).map(([attribute, value]) => ({ applicant_id: subject, attribute, value, sequence, recorded_at })),
      ),
    )
    this.inserted += rows.length
  }

  async #erase(subject: string): Promise<void> {
    const { connection, database, cluster = null } = this.#options
    const table = cluster === null ? `${database}.protected` : `${database}.protected_local ON CLUSTER ${cluster}`
    await connection.query(`ALTER TABLE ${table} DELETE WHERE applicant_id = ${sqlString(subject)} SETTINGS mutations_sync = 2`)
  }
}
