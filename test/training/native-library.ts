import { join } from 'node:path'
import { locateLightGbm } from '#training/lightgbm/library.ts'
import { locateXgboost } from '#training/xgboost/library.ts'

const where = { virtualEnvironment: process.env['VIRTUAL_ENV'], projectRoot: join(import.meta.dirname, '../..') }

const orNull = (locate: () => string): string | null => {
  try {
    return locate()
  } catch {
    return null
  }
}

/** Path of a learner's library, or null where this machine has none: tests that fit with it are then skipped, all others run. */
export const lightGbmPath = orNull(() => locateLightGbm({ ...where, explicit: process.env['SCORESTREAM_LIGHTGBM_LIB'] }))
export const xgboostPath = orNull(() => locateXgboost({ ...where, explicit: process.env['SCORESTREAM_XGBOOST_LIB'] }))
