/** Before any suite: what the tests need beyond npm. With CI=true it is fetched, and its absence fails the run; elsewhere the suites that must be skipped are named. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LightGbmMissing, locateLightGbm } from '#training/lightgbm/library.ts'
import { pythonEnvironment } from './python-environment.ts'
import { prepareRedis } from './servers/redis-binary.ts'
import { beginRun, endRun } from './servers/run-folder.ts'

const root = join(import.meta.dirname, '..')

const lightGbmIsHere = (): boolean => {
  try {
    locateLightGbm({ explicit: process.env['SCORESTREAM_LIGHTGBM_LIB'], virtualEnvironment: process.env['VIRTUAL_ENV'], projectRoot: root })
    return true
  } catch (error) {
    if (error instanceof LightGbmMissing) return false
    throw error
  }
}

/** Made once here, so that suites running side by side find it ready. */
const preparePython = (): void => {
  const found = pythonEnvironment(['clickhouse_connect', 'shap', 'onnx'])
  if (found.kind === 'absent') process.stderr.write(`skipped: the suites that compare with Python’s libraries, because ${found.reason}\n`)
}

const prepareLightGbm = (): void => {
  if (lightGbmIsHere()) return
  if (process.env['CI'] !== 'true') {
    process.stderr.write('skipped: the suites that fit models, for want of LightGBM’s library (npm run setup:lightgbm brings it)\n')
    return
  }
  const { status } = spawnSync(process.execPath, [join(root, 'training/lightgbm/fetch.ts')], { stdio: 'inherit' })
  if (status !== 0 || !lightGbmIsHere())
    throw new Error('CI=true and LightGBM’s library could not be fetched: the suites that fit models would be skipped')
}

/** Returns what ends the servers that suites started. */
export default (): (() => void) => {
  beginRun(mkdtempSync(join(tmpdir(), 'scorestream-test-')))
  preparePython()
  prepareRedis()
  prepareLightGbm()
  return endRun
}
