/** Replays in a process of their own, beside the engine: the same command a person would run, at a lower priority. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import type { Replay, ReplayAnswer } from '#gateway/ports.ts'
import type { Config } from './config.ts'
import { EXIT } from './exit.ts'
import { PROJECT_ROOT } from './project.ts'

/** A replay takes a second or two; one that takes this long hangs. */
const REPLAY_MS_MAX = 60_000
/** What it writes is one line. */
const OUTPUT_BYTES_MAX = 1 << 20

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (args: readonly string[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    // Settings come from the file written below; the environment would apply them a second time.
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('SCORESTREAM_'))
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'cli/scorestream.js'), ...args], {
      env: Object.fromEntries(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: REPLAY_MS_MAX,
      killSignal: 'SIGKILL',
    })
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    const ended = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (ended[name].length < OUTPUT_BYTES_MAX) ended[name] += text
      })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...ended }))
  })

/** Replays decisions of this engine with its present settings. Rejects where the process fails in an unforeseen way. */
export const replayInChild = (config: Config): Replay => {
  const file = join(config.dataDir, 'replay-config.json')
  // JSON is YAML: the child reads it as its configuration file.
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return async (id) => {
    const { code, stdout, stderr } = await run(['replay', id, '--json', '--config', file])
    if (code === EXIT.noInput) return undefined
    if (code !== EXIT.ok && code !== EXIT.findings) throw new Error(`the replay process ended with ${code}: ${stderr.slice(0, 500)}`)
    // Unreadable data is a finding that the command reports as a message, without a document.
    if (stdout === '') return { id, result: 'different', differences: [{ cause: 'data', detail: stderr.trim().slice(0, 2_000) }] }
    return JSON.parse(stdout) as ReplayAnswer
  }
}
