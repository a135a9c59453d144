/** The Python the peers run in: made by the benchmark itself, once, from peers/requirements.txt. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const FOLDER = join(import.meta.dirname, '../.venv-bench')
const REQUIREMENTS = join(import.meta.dirname, 'peers/requirements.txt')
const STAMP = join(FOLDER, 'made-from')

/** Path of the interpreter. `SCORESTREAM_BENCH_PYTHON` names one that has everything already. @throws Error with the remedy. */
export const benchPython = async (say: (line: string) => void): Promise<string> => {
  const given = process.env['SCORESTREAM_BENCH_PYTHON']
  if (given !== undefined && given !== '') return given
  const python = join(FOLDER, 'bin/python')
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted && existsSync(python)) return python
  say('making .venv-bench with the peers (some 600 MB, once)')
  rmSync(FOLDER, { recursive: true, force: true })
  try {
    await run('python3', ['-m', 'venv', FOLDER])
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS], { maxBuffer: 2 ** 24 })
  } catch (cause) {
    throw new Error(
      'the peers need Python 3.11 with venv (Debian: apt-get install python3-venv) and pip packages; or name an interpreter that has them in SCORESTREAM_BENCH_PYTHON',
      { cause },
    )
  }
  writeFileSync(STAMP, wanted)
  return python
}
