/**
 * Statements of the operator, who may write: for tools and tests on the same machine that need a ClickHouse to write to. No guard stands
 * before it, hence its own credential, and loopback alone.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SqlEngine } from './ports.ts'
import type { SqlAnswer } from './query-runner.ts'
import { isForHttpAlone, literal } from './query-settings.ts'
import { parseSqlRequest, type RequestParts } from './sql-request.ts'

/** `INSERT INTO t (…) [SETTINGS …] FORMAT F`, whose rows are the body of the request. */
const INSERT = /^\s*INSERT\s+INTO\s+([\w.`]+(?:\s*\([^)]*\))?)\s*(SETTINGS\s[\s\S]*?)?\s*FORMAT\s+(\w+)\s*$/i

export class OperatorRunner {
  readonly #engine: SqlEngine
  readonly #database: string
  readonly #spool: string

  /** `spool`: a folder for bodies. Rows never travel in a statement: the engine would run what follows a blank line. */
  constructor(engine: SqlEngine, database: string, spool: string) {
    this.#engine = engine
    this.#database = database
    this.#spool = spool
    mkdirSync(spool, { recursive: true, mode: 0o700 })
  }

  async run(parts: RequestParts): Promise<SqlAnswer> {
    const insert = INSERT.exec(new URLSearchParams(parts.queryString).get('query') ?? '')
    const request = parseSqlRequest(insert === null ? parts : { ...parts, body: Buffer.alloc(0) })
    const path = join(this.#spool, randomUUID())
    const lane = this.#engine.connect({ patient: true })
    try {
      const settings = [...request.settings].filter(([name]) => !isForHttpAlone(name)).map(([name, value]) => `${name} = ${literal(value)}`)
      if (settings.length > 0) await lane.query(`SET ${settings.join(', ')}`)
      // A new server has no database of that name yet; the first statement makes it.
      await lane.query(`USE ${this.#database}`).catch(() => {})
      if (insert === null) return { format: request.format, chunks: one(await lane.query(request.sql, request.format)) }
      const [, target = '', clause = '', format = ''] = insert
      await writeFile(path, parts.body, { mode: 0o600 })
      return { format, chunks: one(await lane.query(`INSERT INTO ${target} FROM INFILE ${literal(path)} ${clause} FORMAT ${format}`)) }
    } finally {
      await lane.close()
      await rm(path, { force: true })
    }
  }
}

async function* one<Chunk>(chunk: Chunk): AsyncGenerator<Chunk, void, undefined> {
  yield chunk
}
