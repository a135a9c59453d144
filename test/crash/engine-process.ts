/** An engine in a process of its own that can be killed at any moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const SCORESTREAM = join(import.meta.dirname, '../../cli/scorestream.js')

export interface EngineProcess {
  readonly http: string
  readonly child: ChildProcess
  /** SIGKILL: no handler runs, nothing is flushed by the process itself. */
  kill(): Promise<void>
  /** SIGTERM: drains. Resolves with the exit code. */
  end(): Promise<number | null>
}

/** Starts `scorestream serve` (or another entry point) on a data directory and waits until it says that it is ready. */
export const startEngine = async (
  dataDir: string,
  entry: readonly string[] = [SCORESTREAM, 'serve', '--log-level', 'error'],
): Promise<EngineProcess> => {
  const child = spawn(process.execPath, entry, {
    env: {
      ...process.env,
      SCORESTREAM_DATA_DIR: dataDir,
      SCORESTREAM_PORT: '0',
      SCORESTREAM_SQL_PORT: '0',
      SCORESTREAM_WAREHOUSE_KIND: 'off',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let complained = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text))
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('\n')) resolve((JSON.parse(said.slice(0, said.indexOf('\n'))) as { http: string }).http)
    })
    child.once('exit', (code, signal) =>
      reject(new Error(`the engine ended before it was ready (${code ?? signal}): ${complained.slice(-2000)}`)),
    )
  })
  const http = await ready
  const ended = once(child, 'exit')
  return {
    http,
    child,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async end() {
      child.kill('SIGTERM')
      await ended
      return child.exitCode
    },
  }
}
