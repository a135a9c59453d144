/** One folder a test run, shared by its worker processes: servers are started by the first suite that needs them and ended with the run. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const VARIABLE = 'SCORESTREAM_TEST_RUN'
const OWNER = 'SCORESTREAM_TEST_RUN_OWNER'
const WAIT_MS_MAX = 300_000

export const runFolder = (): string => {
  const folder = process.env[VARIABLE]
  if (folder === undefined) throw new Error('servers are started under vitest, whose global setup names the folder of the run')
  return folder
}

/** Called by the global setup, before any worker begins. */
export const beginRun = (folder: string): void => {
  mkdirSync(folder, { recursive: true })
  process.env[VARIABLE] = folder
  process.env[OWNER] = `${process.pid}`
}

/**
 * Arguments for `sh` that run a command and end it with the test run, however that ends: a run that is killed cannot clean up. Start it
 * detached; the shell leads the group.
 */
export const withRun = (command: string, args: readonly string[]): string[] => [
  '-c',
  '"$@" & child=$!; while kill -0 "$SCORESTREAM_TEST_RUN_OWNER" 2>/dev/null && kill -0 $child 2>/dev/null; do sleep 0.5; done; kill -9 $child 2>/dev/null',
  'sh',
  command,
  ...args,
]

/** Notes a process, leader of its group, that ends with the run. */
export const endWithRun = (name: string, pid: number): void => writeFileSync(join(runFolder(), `${name}.pid`), `${pid}`)

/** Ends what was noted and removes the folder. */
export const endRun = (): void => {
  const folder = runFolder()
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.pid'))) {
    try {
      process.kill(-Number(readFileSync(join(folder, file), 'utf8')), 'SIGKILL')
    } catch {
      // Ended by itself.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}

/** The same answer for all processes of the run: the first one works it out, the others wait for it. */
export const oncePerRun = async <Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> => {
  const answer = join(runFolder(), `${name}.json`)
  try {
    mkdirSync(join(runFolder(), `${name}.lock`))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    for (let waited = 0; !existsSync(answer); waited += 100) {
      if (waited > WAIT_MS_MAX) throw new Error(`${name} did not start within ${WAIT_MS_MAX / 1000} s`, { cause })
      await delay(100)
    }
    await delay(20)
    return JSON.parse(readFileSync(answer, 'utf8')) as Answer
  }
  const found = await work()
  writeFileSync(answer, JSON.stringify(found))
  return found
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
