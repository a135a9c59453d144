/** Brings a warehouse's tables to this version: numbered SQL files, each applied once and recorded with its checksum. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqlString } from './chdb-engine.ts'
import { onCluster } from './cluster-statements.ts'
import type { SqlConnection } from './ports.ts'
import { ONE_MACHINE, render, type Topology } from './template.ts'

export interface Migration {
  /** File name without ending, `0001-tables`. */
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file as it stands, before placeholders are filled. */
  readonly checksum: string
}

const FOLDER = join(import.meta.dirname, 'migrations')

/** In order of their numbers. */
export const readMigrations = (folder = FOLDER): Migration[] =>
  readdirSync(folder)
    .filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file))
    .toSorted()
    .map((file) => {
      const sql = readFileSync(join(folder, file), 'utf8')
      return { name: file.slice(0, -4), sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })

/** Statements of a file: a semicolon at the end of a line ends one. */
export const statementsOf = (sql: string): string[] =>
  sql
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '')

/** DDL is not transactional: a file cut short by a crash is run again from its start, so its statements must bear that. */
const repeatable = (statement: string): string =>
  statement
    .replaceAll(/^CREATE TABLE (?!IF NOT EXISTS)/gm, 'CREATE TABLE IF NOT EXISTS ')
    .replaceAll(/^CREATE VIEW /gm, 'CREATE OR REPLACE VIEW ')

const MIGRATIONS_TABLE = `CREATE TABLE {{database}}.migrations {{on_cluster}}
(
    name        String,
    checksum    String,
    applied_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {{merge_tree}}
ORDER BY name
COMMENT 'Migrations applied'`

/** What is run for one statement of a migration, given where the tables live. */
export const asOf = (statement: string, topology: Topology): string[] =>
  onCluster(statement, topology).map((one) => repeatable(render(one, topology)))

/**
 * Applies what is missing; returns the names applied. Throws where a file that was applied has changed since, or where the warehouse was
 * made by a later version: both would leave tables that nobody described.
 */
export const migrate = async (
  connection: SqlConnection,
  migrations = readMigrations(),
  topology: Topology = ONE_MACHINE,
): Promise<string[]> => {
  const table = `${topology.database}.migrations`
  await connection.query(render('CREATE DATABASE IF NOT EXISTS {{database}} {{on_cluster}}', topology))
  for (const statement of asOf(MIGRATIONS_TABLE, topology)) await connection.query(statement)
  const applied = new Map(
    (await connection.rows<{ name: string; checksum: string }>(`SELECT name, checksum FROM ${table}`)).map((row) => [
      row.name,
      row.checksum,
    ]),
  )
  const known = new Set(migrations.map(({ name }) => name))
  for (const name of applied.keys())
    if (!known.has(name))
      throw new Error(
        `the warehouse has migration ${name}, which this version does not know: start the version that made it, or delete the warehouse folder and let it be rebuilt from the logs`,
      )
  const done: string[] = []
  for (const { name, sql, checksum } of migrations) {
    const held = applied.get(name)
    if (held === checksum) continue
    if (held !== undefined)
      throw new Error(
        `migration ${name} was applied with checksum ${held}, the file has ${checksum}: migrations are never changed, add a new one; or delete the warehouse folder and let it be rebuilt from the logs`,
      )
    for (const statement of statementsOf(sql).flatMap((one) => asOf(one, topology))) await connection.query(statement)
    await connection.query(`INSERT INTO ${table} (name, checksum) SELECT ${sqlString(name)}, ${sqlString(checksum)}`)
    done.push(name)
  }
  return done
}
