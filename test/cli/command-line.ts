/** The command line in a process of its own, as people and scripts see it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const SCORESTREAM = join(import.meta.dirname, '../../cli/scorestream.js')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `scorestream <args>` to its end, without the settings of whoever runs the tests. `cwd` is where relative paths begin. */
export const scorestream = (
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd = join(import.meta.dirname, '../..'),
): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SCORESTREAM_'))
    const child = spawn(process.execPath, [SCORESTREAM, ...args], {
      cwd,
      env: { ...Object.fromEntries(inherited), SCORESTREAM_WAREHOUSE_KIND: 'off', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
