import { join } from 'node:path'
import { locateLightGbm } from '#training/lightgbm/library.ts'

const locate = (): string | null => {
  try {
    return locateLightGbm({
      explicit: process.env['SCORESTREAM_LIGHTGBM_LIB'],
      virtualEnvironment: process.env['VIRTUAL_ENV'],
      projectRoot: join(import.meta.dirname, '../..'),
    })
  } catch {
    return null
  }
}

/** Path of LightGBM's library, or null where this machine has none: tests that fit are then skipped, all others run. */
export const lightGbmPath = locate()
