/**
 * Brings XGBoost's shared library into deps/xgboost/ (git-ignored), out of the wheel on PyPI: `npm run setup:xgboost` for the build without
 * CUDA (6 MB), `npm run setup:xgboost -- --cuda` for the one that uses a CUDA device where it finds one (130 MB). Needs python3 with pip for
 * the download; neither is needed afterwards.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const RELEASE = '3.2.0'
const PROJECT_ROOT = join(import.meta.dirname, '..', '..')
const PACKAGE = process.argv.includes('--cuda') ? 'xgboost' : 'xgboost-cpu'

const python = (args: readonly string[]): void => {
  const { status, error } = spawnSync('python3', args, { stdio: 'inherit' })
  if (error !== undefined)
    throw new Error('python3 does not run; install it, or set SCORESTREAM_XGBOOST_LIB to a library you have', { cause: error })
  if (status !== 0) throw new Error(`python3 ${args.slice(0, 3).join(' ')} … exited with ${status}; see its message above`)
}

const work = mkdtempSync(join(tmpdir(), 'scorestream-xgboost-'))
try {
  python(['-m', 'pip', 'download', `${PACKAGE}==${RELEASE}`, '--no-deps', '--only-binary', ':all:', '--dest', work])
  const wheel = readdirSync(work).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error('pip reported success but left no wheel; try again with a newer pip')
  const unpacked = join(work, 'wheel')
  python(['-m', 'zipfile', '-e', join(work, wheel), unpacked])
  const target = join(PROJECT_ROOT, 'deps', 'xgboost')
  rmSync(target, { recursive: true, force: true })
  mkdirSync(join(target, 'xgboost'), { recursive: true })
  // The library finds its OpenMP runtime by its place beside it: the folders stay as they are in the wheel.
  cpSync(join(unpacked, 'xgboost', 'lib'), join(target, 'xgboost', 'lib'), { recursive: true })
  for (const folder of readdirSync(unpacked).filter((name) => name.endsWith('.libs')))
    cpSync(join(unpacked, folder), join(target, folder), { recursive: true })
  process.stdout.write(`XGBoost ${RELEASE} (${PACKAGE}) is in ${target}\n`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
