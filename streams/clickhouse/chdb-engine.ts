/**
 * chDB in this process: one directory, any number of connections. A connection is one lane: its queries run one after another, its
 * settings are its own. Native calls run on libuv's threads (`UV_THREADPOOL_SIZE`), never on the event loop.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chdbNative, type ChdbNative, type Classification, type ConnectionHandle } from './chdb-native.ts'
import { DEFAULT_LIMITS, engineConfig, type EngineLimits } from './engine-config.ts'
import { NativeCalls } from './native-calls.ts'

export interface QueryResult {
  readonly bytes: Buffer
  readonly elapsedSeconds: number
  readonly rows: number
}

export interface ResultChunk {
  readonly bytes: Buffer
  readonly rows: number
}

/** The engine refused or failed. `code` is ClickHouse's number; the message is ClickHouse's own, `Code: N. DB::Exception: … (NAME)`. */
class ChdbError extends Error {
  override readonly name = 'ChdbError'
  readonly code: number
  constructor(message: string, cause?: unknown) {
    const text = message.replace(/^(Query failed: )+/, '').trim()
    super(text, cause === undefined ? undefined : { cause })
    this.code = Number(/Code: (\d+)/.exec(text)?.[1] ?? 1002)
  }
}

const asChdbError = (error: unknown): ChdbError => new ChdbError(error instanceof Error ? error.message : String(error), error)

/** A text as a ClickHouse string literal. */
export const sqlString = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`

export class ChdbConnection {
  readonly #native: ChdbNative
  readonly #handle: ConnectionHandle
  readonly #calls: NativeCalls | undefined
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false

  /** `calls`: where calls that do not return are noticed; absent, this connection's may take any time. */
  constructor(native: ChdbNative, handle: ConnectionHandle, calls?: NativeCalls) {
    this.#native = native
    this.#handle = handle
    this.#calls = calls
  }

  /** Runs one statement. Never put foreign row data into `sql`: bodies of inserts come from files. */
  async query(sql: string, format = 'TabSeparated'): Promise<QueryResult> {
    const raw = await this.#run(() => this.#native.QueryAsyncConnection(this.#handle, sql, format))
    return { bytes: raw.bytes, elapsedSeconds: raw.elapsed, rows: raw.rowsRead }
  }

  /** Rows of a query as objects; 64-bit integers beyond 2^53 lose digits, so ask for `toString` of those. */
  async rows<Row>(sql: string): Promise<Row[]> {
    const { bytes } = await this.query(sql, 'JSONEachRow')
    const text = bytes.toString().trimEnd()
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Row)
  }

  /** The result block by block, each formatted as if it stood alone. Ending the iteration early cancels the query. */
  async *stream(sql: string, format: string): AsyncGenerator<ResultChunk, void, undefined> {
    const stream = await this.#run(async () => this.#native.StreamQuery(this.#handle, sql, format))
    try {
      for (;;) {
        const chunk = await this.#run(() => this.#native.StreamFetch(stream))
        if (chunk.done) return
        yield { bytes: chunk.bytes, rows: chunk.numRows }
      }
    } finally {
      await this.#run(async () => this.#native.StreamCancel(stream)).catch(() => {})
    }
  }

  /** What the engine's parser takes the text for; nothing is run. */
  classify(sql: string): Promise<Classification> {
    return this.#run(() => this.#native.DurableClassifyAsync(this.#handle, sql, ''))
  }

  /** Resolves once the native connection is gone: closing it under a running call would end the engine. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#tail
    this.#native.CloseConnection(this.#handle)
  }

  async #run<Value>(call: () => Promise<Value>): Promise<Value> {
    if (this.#closed) throw new ChdbError('Code: 210. DB::Exception: the connection is closed. (NETWORK_ERROR)')
    const result = this.#tail.then(() => (this.#calls === undefined ? call() : this.#calls.watch(call)))
    this.#tail = result.catch(() => {})
    try {
      return await result
    } catch (error) {
      throw asChdbError(error)
    }
  }
}

/** Only one directory can be open in a process, and only one process can open it. */
export class ChdbEngine {
  readonly directory: string
  readonly #native: ChdbNative
  /** Holds the engine open; also the lane for statements about the engine itself (KILL). */
  readonly #first: ChdbConnection
  readonly #calls = new NativeCalls()

  constructor(directory: string, limits: EngineLimits = DEFAULT_LIMITS) {
    this.directory = resolve(directory)
    mkdirSync(this.directory, { recursive: true })
    const config = join(this.directory, 'engine.xml')
    writeFileSync(config, engineConfig(limits))
    this.#native = chdbNative()
    try {
      const handle = this.#native.CreateConnection(join(this.directory, 'data'), [`--config-file=${config}`])
      this.#first = new ChdbConnection(this.#native, handle, this.#calls)
    } catch (error) {
      throw new ChdbError(
        `Code: 76. DB::Exception: cannot open the warehouse in ${this.directory}: ${error instanceof Error ? error.message : String(error)}. Another process may have it open; stop that one. (CANNOT_OPEN_FILE)`,
        error,
      )
    }
  }

  /** `patient`: statements that may take as long as they like (migrations, an operator's) do not count as hanging. */
  connect({ patient = false }: { readonly patient?: boolean } = {}): ChdbConnection {
    const handle = this.#native.CreateConnection(join(this.directory, 'data'))
    return new ChdbConnection(this.#native, handle, patient ? undefined : this.#calls)
  }

  /** How long the oldest native call under way has taken, of connections that are not patient. A lane whose call never returns is held for ever. */
  oldestCallMs(): number {
    return this.#calls.oldestMs()
  }

  /** Stops the queries whose connection set `log_comment` to this. */
  async cancel(logComment: string): Promise<void> {
    await this.#first.query(`KILL QUERY WHERE Settings['log_comment'] = ${sqlString(logComment)} ASYNC FORMAT Null`)
  }

  close(): Promise<void> {
    return this.#first.close()
  }
}
