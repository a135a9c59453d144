/** The functions of chDB's native addon that are used here, typed. The package's own classes offer neither its classifier nor raw results. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

declare const handle: unique symbol
export type ConnectionHandle = { readonly [handle]: 'connection' }
type StreamHandle = { readonly [handle]: 'stream' }

interface RawResult {
  readonly bytes: Buffer
  /** Seconds, as the engine measured it. */
  readonly elapsed: number
  readonly rowsRead: number
  readonly bytesRead: number
}

type RawChunk = { readonly done: true } | { readonly done: false; readonly bytes: Buffer; readonly numRows: number }

/** What the engine's own parser says of a text. `queryClass` 0 = reads, 1 = writes, 3 = control, 4 = not understood. */
export interface Classification {
  readonly statementCount: number
  readonly queryClass: number
}

export interface ChdbNative {
  EngineVersion(): string
  CreateConnection(path: string, args?: readonly string[]): ConnectionHandle
  CloseConnection(connection: ConnectionHandle): void
  QueryAsyncConnection(connection: ConnectionHandle, sql: string, format: string): Promise<RawResult>
  StreamQuery(connection: ConnectionHandle, sql: string, format: string): StreamHandle
  StreamFetch(stream: StreamHandle): Promise<RawChunk>
  StreamCancel(stream: StreamHandle): void
  DurableClassifyAsync(connection: ConnectionHandle, sql: string, database: string): Promise<Classification>
}

let loaded: ChdbNative | undefined

/** Loads the addon once; some 200 MiB. Throws where this platform has no binary. */
export const chdbNative = (): ChdbNative => {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url)
    // The loader is no entry of the package's export map, hence the absolute path.
    const { loadNative } = require(join(dirname(require.resolve('chdb')), 'dist', 'loader.js')) as { loadNative: () => ChdbNative }
    loaded = loadNative()
  }
  return loaded
}
