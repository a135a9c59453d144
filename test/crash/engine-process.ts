/** An engine in a process of its own that can be killed at any moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const SCORESTREAM = join(import.meta.dirname, '../../cli/scorestream.js')

export interface LaunchOptions {
  /** Options of Node itself, before the script. */
  readonly nodeOptions?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** Of the command `serve`. */
  readonly arguments?: readonly string[]
}

/** A process that may not be ready yet, or never. */
export interface LaunchedEngine {
  readonly child: ChildProcess
  /** Resolves with the HTTP address; rejects where the process ended before. */
  readonly ready: Promise<string>
  /** What it wrote to standard error. */
  complaints(): string
  /** SIGKILL: no handler runs, nothing is flushed by the process itself. */
  kill(): Promise<void>
  /** SIGTERM: drains. Resolves with the exit code. */
  end(): Promise<number | null>
  /** Resolves once it has ended, by itself or not. */
  readonly ended: Promise<unknown>
}

export interface EngineProcess extends LaunchedEngine {
  readonly http: string
}

/** Starts `scorestream serve` on a data directory, on free ports and without the warehouse, which plays no part in these promises. */
export const launchEngine = (
  dataDir: string,
  { nodeOptions = [], environment = {}, arguments: more = [] }: LaunchOptions = {},
): LaunchedEngine => {
  const child = spawn(process.execPath, [...nodeOptions, SCORESTREAM, 'serve', '--log-level', 'error', ...more], {
    env: {
      ...process.env,
      SCORESTREAM_DATA_DIR: dataDir,
      SCORESTREAM_PORT: '0',
      SCORESTREAM_SQL_PORT: '0',
      SCORESTREAM_WAREHOUSE_KIND: 'off',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complained = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text))
  const ended = once(child, 'close')
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>()
  ready.catch(() => {})
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.includes('\n')) resolve((JSON.parse(said.slice(0, said.indexOf('\n'))) as { http: string }).http)
  })
  void ended.then(() =>
    reject(new Error(`the engine ended before it was ready (${child.exitCode ?? child.signalCode}): ${complained.slice(-2000)}`)),
  )
  const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    await ended
    return child.exitCode
  }
  return { child, ready, ended, complaints: () => complained, kill: async () => void (await stop('SIGKILL')), end: () => stop('SIGTERM') }
}

/** {@link launchEngine}, ready to take events. */
export const startEngine = async (dataDir: string, options?: LaunchOptions): Promise<EngineProcess> => {
  const launched = launchEngine(dataDir, options)
  return { ...launched, http: await launched.ready }
}
