/**
 * A Python for tests that compare with Python's libraries: `SCORESTREAM_TEST_PYTHON` where it names one, else `.venv` made here from
 * `requirements.txt`. On a laptop without Python the answer is a reason to skip; with `CI=true` its absence is a failure.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type PythonEnvironment = { readonly kind: 'ready'; readonly python: string } | { readonly kind: 'absent'; readonly reason: string }

const ROOT = join(import.meta.dirname, '..')
/** Installing takes seconds from a near mirror, a minute from a far one. */
const INSTALL_MS_MAX = 240_000

const succeeds = (command: string, args: readonly string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 30_000 })
    return true
  } catch {
    return false
  }
}

/** `modules` are those the caller needs: a given Python must have them. */
const find = (modules: readonly string[]): PythonEnvironment => {
  const importing = ['-c', modules.map((name) => `import ${name}`).join('; ')]
  const given = process.env['SCORESTREAM_TEST_PYTHON']
  if (given !== undefined && given !== '') {
    if (succeeds(given, importing)) return { kind: 'ready', python: given }
    return { kind: 'absent', reason: `SCORESTREAM_TEST_PYTHON (${given}) cannot import ${modules.join(', ')}` }
  }
  const base = ['python3', 'python'].find((name) =>
    succeeds(name, ['-c', 'import venv, ensurepip, sys; assert sys.version_info >= (3, 10)']),
  )
  if (base === undefined) return { kind: 'absent', reason: 'no Python 3.10 or later with venv and ensurepip on PATH' }
  return install(base, importing)
}

const install = (base: string, importing: readonly string[]): PythonEnvironment => {
  const folder = join(ROOT, '.venv')
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  const requirements = readFileSync(join(ROOT, 'test', 'requirements.txt'), 'utf8')
  const stamp = join(folder, 'requirements.sha256')
  const wanted = createHash('sha256').update(requirements).digest('hex')
  try {
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
      mkdirSync(folder, { recursive: true })
      execFileSync(base, ['-m', 'venv', folder], { stdio: 'ignore', timeout: INSTALL_MS_MAX })
      execFileSync(
        python,
        ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(ROOT, 'test', 'requirements.txt')],
        { stdio: 'pipe', timeout: INSTALL_MS_MAX },
      )
      writeFileSync(stamp, wanted)
    }
  } catch (error) {
    return {
      kind: 'absent',
      reason: `the environment could not be made: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    }
  }
  return succeeds(python, importing)
    ? { kind: 'ready', python }
    : { kind: 'absent', reason: `test/requirements.txt does not bring ${importing[1]}` }
}

/** Throws where Python is absent and `CI=true`. */
export const pythonEnvironment = (modules: readonly string[]): PythonEnvironment => {
  const found = find(modules)
  if (found.kind === 'absent' && process.env['CI'] === 'true') throw new Error(`Python is required in CI: ${found.reason}`)
  return found
}
