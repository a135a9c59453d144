/** The Pythons the peers run in: made by the benchmarks themselves, once, from their files of requirements. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
interface Environment {
  readonly folder: string
  readonly requirements: string
  /** Variable that names an interpreter which has everything already. */
  readonly variable: string
}

/** Peers of kernels, throughput and model. */
const KERNELS: Environment = { folder: '.venv-bench', requirements: 'requirements.txt', variable: 'SCORESTREAM_BENCH_PYTHON' }
/** Evidently; it needs other versions of what the others need. */
export const MONITORING: Environment = {
  folder: '.venv-bench-monitoring',
  requirements: 'monitoring-requirements.txt',
  variable: 'SCORESTREAM_BENCH_MONITORING_PYTHON',
}

/** Path of the interpreter. @throws Error with the remedy. */
export const benchPython = async (
  say: (line: string) => void,
  { folder, requirements, variable }: Environment = KERNELS,
): Promise<string> => {
  const place = join(import.meta.dirname, '..', folder)
  const list = join(import.meta.dirname, 'peers', requirements)
  const stamp = join(place, 'made-from')
  const given = process.env[variable]
  if (given !== undefined && given !== '') return given
  const python = join(place, 'bin/python')
  const wanted = createHash('sha256').update(readFileSync(list)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(python)) return python
  say(`making ${folder} with the peers (some 600 MB, once)`)
  rmSync(place, { recursive: true, force: true })
  try {
    await run('python3', ['-m', 'venv', place])
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', list], { maxBuffer: 2 ** 24 })
  } catch (cause) {
    throw new Error(
      'the peers need Python 3.11 with venv (Debian: apt-get install python3-venv) and pip packages; or name an interpreter that has them in ' +
        variable,
      { cause },
    )
  }
  writeFileSync(stamp, wanted)
  return python
}
