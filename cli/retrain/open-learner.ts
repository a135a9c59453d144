/** Finds and opens the library that fits. */
import type { TreeLearner } from '#training/boosted-trees.ts'
import { lightGbmLearner } from '#training/lightgbm/learner.ts'
import { locateLightGbm } from '#training/lightgbm/library.ts'
import { openLightGbm } from '#training/lightgbm/lightgbm.ts'
import { type DeviceWish, xgboostLearner } from '#training/xgboost/learner.ts'
import { locateXgboost } from '#training/xgboost/library.ts'
import { openXgboost } from '#training/xgboost/xgboost.ts'
import { CommandError, EXIT } from '../exit.ts'
import { PROJECT_ROOT } from '../project.ts'

const LEARNERS = ['lightgbm', 'xgboost'] as const
export type LearnerName = (typeof LEARNERS)[number]

/** A name from the command line; LightGBM where none is given. */
export const learnerOf = (given: string | undefined): LearnerName => {
  const found = LEARNERS.find((name) => name === (given ?? 'lightgbm'))
  if (found === undefined)
    throw new CommandError('usage', `--learner takes ${LEARNERS.join(' or ')}, got "${given?.slice(0, 64)}"`, EXIT.usage)
  return found
}

const DEVICES = ['auto', 'cpu', 'cuda'] as const satisfies readonly DeviceWish[]

/** A device from the command line; `auto` where none is given. */
export const deviceOf = (given: string | undefined): DeviceWish => {
  const found = DEVICES.find((name) => name === (given ?? 'auto'))
  if (found === undefined) throw new CommandError('usage', `--device takes ${DEVICES.join(', ')}, got "${given?.slice(0, 64)}"`, EXIT.usage)
  return found
}

/** Throws `lightgbm-missing` or `xgboost-missing`, with the remedy, where the machine lacks the library. */
export const openLearner = (name: LearnerName, device: DeviceWish = 'auto'): TreeLearner => {
  const where = { virtualEnvironment: process.env['VIRTUAL_ENV'], projectRoot: PROJECT_ROOT }
  if (name === 'lightgbm') {
    if (device === 'cuda')
      throw new CommandError('usage', 'LightGBM trains on the CPU here; a CUDA device is XGBoost’s: choose learner xgboost', EXIT.usage)
    return lightGbmLearner(openLightGbm(locateLightGbm({ ...where, explicit: process.env['SCORESTREAM_LIGHTGBM_LIB'] })))
  }
  return xgboostLearner(openXgboost(locateXgboost({ ...where, explicit: process.env['SCORESTREAM_XGBOOST_LIB'] })), device)
}
