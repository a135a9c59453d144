/**
 * Inserts a block of rows as one part. The block travels through a file and never through the statement: the engine reads an inline body
 * only up to its first blank line and runs the rest as SQL.
 */
import { accessSync, constants, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlString, type ChdbConnection } from './chdb-engine.ts'
import type { RowWriter } from './ports.ts'
import { encodeRows, rowsIn, type TableRows } from './table-rows.ts'

/** Where blocks wait for the engine: memory where there is some (Linux), else beside the data. Leftovers of a killed process are removed. */
export const openSpool = (directory: string, memory = '/dev/shm'): string => {
  const folder = writable(memory) ? join(memory, `scorestream-${process.getuid?.() ?? 0}-${hashOf(directory)}`) : join(directory, 'spool')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true })
  return folder
}

const writable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** A short name for a directory: FNV-1a over its path. Only one process has the directory open, so names do not collide in use. */
const hashOf = (text: string): string => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash.toString(16)
}

/** Larger than any block, so that the engine neither splits nor joins blocks: one insert is one part, whole or absent. */
const ONE_PART =
  'max_insert_block_size = 100000000, min_insert_block_size_rows = 0, min_insert_block_size_bytes = 0, max_insert_threads = 1, async_insert = 0'

export class RowInserter implements RowWriter {
  readonly #connection: ChdbConnection
  readonly #spool: string
  readonly #database: string
  #sequence = 0

  constructor(connection: ChdbConnection, spool: string, database: string) {
    this.#connection = connection
    this.#spool = spool
    this.#database = database
  }

  async insert(rows: TableRows, token: string): Promise<void> {
    if (rowsIn(rows) === 0) return
    await this.#from(
      rows.table,
      Object.keys(rows.columns),
      encodeRows(rows),
      `insert_deduplication_token = ${sqlString(token)}, ${ONE_PART} FORMAT Native`,
    )
  }

  async insertObjects(table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const [first] = rows
    if (first === undefined) return
    const lines = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    await this.#from(table, Object.keys(first), [lines], `${ONE_PART} FORMAT JSONEachRow`)
  }

  async #from(table: string, columns: readonly string[], body: readonly Buffer[], settings: string): Promise<void> {
    const path = join(this.#spool, `${table}-${this.#sequence++}`)
    try {
      await write(path, body)
      const names = columns.map((name) => `\`${name}\``).join(', ')
      await this.#connection.query(`INSERT INTO ${this.#database}.${table} (${names}) FROM INFILE ${sqlString(path)} SETTINGS ${settings}`)
    } finally {
      await rm(path, { force: true })
    }
  }
}

/** `writev` takes at most 1,024 buffers. */
const VECTOR_MAX = 1024

const write = async (path: string, parts: readonly Buffer[]): Promise<void> => {
  const file = await open(path, 'w', 0o600)
  try {
    for (let at = 0; at < parts.length; at += VECTOR_MAX) {
      const some = parts.slice(at, at + VECTOR_MAX)
      const { bytesWritten } = await file.writev(some)
      const wanted = some.reduce((sum, part) => sum + part.length, 0)
      if (bytesWritten !== wanted) throw new Error(`wrote ${bytesWritten} of ${wanted} bytes to ${path}: is the disk full?`)
    }
  } finally {
    await file.close()
  }
}
