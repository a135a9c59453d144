/** Brings the built dashboard to the gateway: at once where it is there, after building it in a child process where it is not. */
import { spawn } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { Dashboard } from '#gateway/dashboard.ts'
import { buildState, DIST } from '#web/source-digest.ts'
import { PROJECT_ROOT } from './project.ts'

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const build = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'web/build.ts')], { stdio: ['ignore', 'ignore', 'pipe'] })
    // Decisions come first: on a busy machine the pages arrive later.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)))
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim() || `the build ended with ${code}`))))
  })

/** Never rejects and never waits for a build: the engine works without pages. */
export const openDashboard = (logger: Logger): Dashboard => {
  const dashboard = new Dashboard()
  const fail = (error: unknown): void => {
    logger.warn({ error: messageOf(error) }, 'the dashboard is not there: run npm run build:web, which says why')
    dashboard.explain('The dashboard could not be built: run <code>npm run build:web</code>, which says why, and start again.')
  }
  try {
    const state = buildState()
    if (state !== 'absent') dashboard.load(DIST)
    if (state === 'current') return dashboard
    logger.info({}, 'building the dashboard; its pages follow in some seconds')
    build()
      .then(() => dashboard.load(DIST))
      .catch(fail)
  } catch (error) {
    fail(error)
  }
  return dashboard
}
