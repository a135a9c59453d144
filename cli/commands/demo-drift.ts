/** `scorestream demo-drift`: a unit error and a changed population, told apart while the engine serves; the second leads to a successor. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { driftSteps } from '#streams/demo/drift-stream.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { beginAnew } from '../begin-anew.ts'
import { type Command, DATA_OPTIONS, numeric, text } from '../command.ts'
import { type Config, loadConfig } from '../config.ts'
import { DriftDemo } from '../drift-demo/drift-demo.ts'
import { EXIT } from '../exit.ts'
import { openHost } from '../host.ts'
import { createLogger } from '../logger.ts'
import { DEMO_DATA, PROJECT_ROOT } from '../project.ts'
import { learnerOf, openLearner } from '../retrain/open-learner.ts'
import { isAlertLine, terminalLog } from '../terminal-log.ts'
import { untilAskedToEnd } from '../until-asked-to-end.ts'

const RATE_DEFAULT = 300

/** A registry of its own, so that the demo moves no alias but its own; smaller windows than a quiet portfolio would want. */
const configOf = (file: string | undefined, dataDir: string | undefined): Config => {
  const own = loadConfig({ file, environment: process.env, overrides: { dataDir: dataDir ?? '.scorestream-drift' } })
  return {
    ...own,
    promotion: 'gated',
    models: { dir: join(own.dataDir, 'models'), champion: 'credit@champion' },
    warehouse: { ...own.warehouse, kind: 'embedded' },
    monitoring: { ...own.monitoring, enabled: true, drift: { ...own.monitoring.drift, windowDecisions: 1_000, decisionsMin: 1_000 } },
  }
}

export const demoDrift: Command = {
  name: 'demo-drift',
  summary:
    'Runs the engine on a portfolio where a producer begins to send another unit, and later the clients of one channel are others than before.',
  options: {
    ...DATA_OPTIONS,
    rate: { type: 'string', value: 'N', help: `applications per second, each with its history (default: ${RATE_DEFAULT})` },
    learner: { type: 'string', value: 'NAME', help: 'lightgbm (default) or xgboost' },
    'exit-when-done': { type: 'boolean', help: 'end after the summary instead of serving on' },
  },
  notes: `
The data directory (default: .scorestream-drift) is emptied first. The unit error raises a data-quality alert that names producer and field, and
nothing is trained on it; the changed population raises a drift alert that names features and channel, a successor is trained beside the serving engine,
judged by its gates, and promoted. Needs the learner's library (npm run setup:lightgbm).

Exit codes: 0 the loop closed, 1 it did not, otherwise as for serve.`,
  async run(options) {
    const rate = numeric(options, 'rate', { minimum: 1, maximum: 5_000 }) ?? RATE_DEFAULT
    const learner = learnerOf(text(options, 'learner'))
    // A missing library is told at once, not after a minute of waiting for the first alert.
    openLearner(learner)
    const base = configOf(text(options, 'config'), text(options, 'data-dir'))
    const config: Config = { ...base, retrain: { ...base.retrain, learner } }
    beginAnew(config.dataDir)
    mkdirSync(config.dataDir, { recursive: true })
    agreeOnFormat(config.dataDir, { partitions: config.log.partitions })
    cpSync(join(PROJECT_ROOT, 'models'), config.models.dir, { recursive: true })
    // The demo tells of alerts in its own words; to a person the log's would be the same again.
    const terminal = process.stderr.isTTY ? terminalLog(process.stderr, undefined, (logged) => !isAlertLine(logged)) : undefined
    const host = await openHost(config, createLogger('error', terminal), terminal?.write)
    const demo = new DriftDemo({
      host,
      steps: driftSteps(readFileSync(DEMO_DATA)),

      dataDir: config.dataDir,
      partitions: config.log.partitions,
      rate,
      now: () => Date.now(),
      write: (line) => process.stdout.write(`${line}\n`),
    })
    const ended = demo.run().then((closed) => {
      if (options['exit-when-done'] === true) process.kill(process.pid, 'SIGTERM')
      else process.stdout.write('\nThe engine goes on serving; Ctrl-C ends it.\n')
      return closed
    })
    const code = await untilAskedToEnd(host, async () => {
      demo.stop()
      await ended.catch(() => false)
    })
    return code === EXIT.ok && (await ended) ? EXIT.ok : Math.max(code, EXIT.findings)
  },
}
