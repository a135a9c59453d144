/**
 * Brings LightGBM's shared library into deps/lightgbm/ (git-ignored), out of the wheel on PyPI: `npm run setup:lightgbm`. Needs
 * python3 with pip for the download; neither is needed afterwards.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The release the shipped model was trained with: the same library fits the same trees. */
const RELEASE = '4.7.0'
const PROJECT_ROOT = join(import.meta.dirname, '..', '..')

const python = (args: readonly string[]): void => {
  const { status, error } = spawnSync('python3', args, { stdio: 'inherit' })
  if (error !== undefined)
    throw new Error('python3 does not run; install it, or set SCORESTREAM_LIGHTGBM_LIB to a library you have', { cause: error })
  if (status !== 0) throw new Error(`python3 ${args.slice(0, 3).join(' ')} … exited with ${status}; see its message above`)
}

const findLibrary = (folder: string): string => {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const found = names.find((name) => /lib_lightgbm\.(so|dylib|dll)$/.test(name))
  if (found === undefined) throw new Error(`the wheel holds no lib_lightgbm; it may be for another platform (files: ${names.length})`)
  return join(folder, found)
}

const work = mkdtempSync(join(tmpdir(), 'scorestream-lightgbm-'))
try {
  python(['-m', 'pip', 'download', `lightgbm==${RELEASE}`, '--no-deps', '--only-binary', ':all:', '--dest', work])
  const wheel = readdirSync(work).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error('pip reported success but left no wheel; try again with a newer pip')
  python(['-m', 'zipfile', '-e', join(work, wheel), join(work, 'wheel')])
  const library = findLibrary(join(work, 'wheel'))
  const target = join(PROJECT_ROOT, 'deps', 'lightgbm')
  mkdirSync(target, { recursive: true })
  cpSync(library, join(target, library.slice(library.lastIndexOf('lib_lightgbm'))))
  const version = join(work, 'wheel', 'lightgbm', 'VERSION.txt')
  if (existsSync(version)) cpSync(version, join(target, 'VERSION.txt'))
  process.stdout.write(`LightGBM ${RELEASE} is in ${target}\n`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
