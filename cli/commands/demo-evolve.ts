/** `scorestream demo-evolve`: the feature set of a serving engine changes and changes back, with certificate and pause. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FEATURE_SETS } from '#features/sets.ts'
import { parseReference } from '#registry/model-reference.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { agreeOnFormat } from '#streams/embedded/data-directory.ts'
import { beginAnew } from '../begin-anew.ts'
import { type Command, DATA_OPTIONS, numeric, text } from '../command.ts'
import { type Config, loadConfig } from '../config.ts'
import { startDemoReplay } from '../demo-replay.ts'
import { EvolveDemo } from '../evolve-demo/evolve-demo.ts'
import { trainBeside } from '../evolve-demo/train-beside.ts'
import { EXIT, foreseen } from '../exit.ts'
import { featureSetOfBundle } from '../feature-sets.ts'
import { type Host, openHost } from '../host.ts'
import { createLogger } from '../logger.ts'
import { DEMO_DATA, PROJECT_ROOT } from '../project.ts'
import { learnerOf, openLearner } from '../retrain/open-learner.ts'
import { terminalLog } from '../terminal-log.ts'
import { untilAskedToEnd } from '../until-asked-to-end.ts'

/** Events per second: five minutes of applications, more than training and both changes take. */
const RATE_DEFAULT = 1_000
const SECONDS_MAX_DEFAULT = 600
/** Some twelve seconds at the default rate. */
const CHAPTER_DECISIONS = 1_000
const CHAMPION = 'credit@champion'

/** A registry and a directory of its own: nothing of the demo is left in the checkout. */
const configOf = (file: string | undefined, dataDir: string): Config => {
  const own = loadConfig({ file, environment: process.env, overrides: { dataDir } })
  return { ...own, models: { dir: join(dataDir, 'models'), champion: CHAMPION }, promotion: 'manual' }
}

/** A directory that goes with the process, however that ends. */
const temporaryDirectory = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'scorestream-evolve-demo-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return join(folder, 'data')
}

/** Until the engine has its own way of ending. */
const endingEarly = async (open: () => Promise<Host>): Promise<Host> => {
  const end = (): never => process.exit(130)
  process.once('SIGINT', end).once('SIGTERM', end)
  try {
    return await open()
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

export const demoEvolve: Command = {
  name: 'demo-evolve',
  summary: 'Runs the engine under load, puts a bundle of another feature set in force without a restart, and takes it back.',
  options: {
    config: DATA_OPTIONS.config,
    'data-dir': { type: 'string', value: 'DIR', help: 'emptied first and kept (default: a temporary one, deleted at the end)' },
    rate: { type: 'string', value: 'N', help: `events per second; one in twelve is an application (default: ${RATE_DEFAULT})` },
    learner: { type: 'string', value: 'NAME', help: 'lightgbm (default) or xgboost' },
    limit: { type: 'string', value: 'SECONDS', help: `fail where it takes longer (default: ${SECONDS_MAX_DEFAULT})` },
    'exit-when-done': { type: 'boolean', help: 'end after the summary instead of serving on' },
  },
  notes: `
Trains a small bundle on the feature set that the champion does not have, promotes it, shows how the states are filled and compared, when the engine
goes over, how long nobody was decided then, and rolls back. docs/evolving-features.md explains each step. Models are copied: no alias of yours
moves. Needs the learner's library (npm run setup:lightgbm).

Exit codes: 0 changed and changed back, 1 it was stopped, ran out of time or a comparison differed, 69 library missing, otherwise as for serve.`,
  async run(options) {
    const rate = numeric(options, 'rate', { minimum: 1, maximum: 1_000_000 }) ?? RATE_DEFAULT
    const secondsMax = numeric(options, 'limit', { minimum: 1, maximum: 86_400 }) ?? SECONDS_MAX_DEFAULT
    const learner = learnerOf(text(options, 'learner'))
    // A missing library is told at once, not after the engine has begun.
    openLearner(learner)
    const given = text(options, 'data-dir')
    if (given !== undefined) beginAnew(given)
    const config = configOf(text(options, 'config'), given ?? temporaryDirectory())
    const { dataDir, log, models } = config
    mkdirSync(dataDir, { recursive: true })
    agreeOnFormat(dataDir, { partitions: log.partitions })
    cpSync(join(PROJECT_ROOT, 'models'), models.dir, { recursive: true })
    const from = featureSetOfBundle(models.dir, CHAMPION)
    const to = FEATURE_SETS.find(({ set }) => set.hash !== from.set.hash)!
    const terminal = process.stderr.isTTY ? terminalLog(process.stderr) : undefined
    const host = await endingEarly(() => openHost(config, createLogger('error', terminal), terminal?.write))
    const demo = new EvolveDemo({
      host,
      dataDir,
      modelsDir: models.dir,
      bundle: parseReference(CHAMPION).name,
      sets: { from: from.name, to: to.name },
      load: () =>
        startDemoReplay({
          stream: demoStream(readFileSync(DEMO_DATA), { links: true }),
          ingest: host.ingest,
          dataDir,
          pace: { kind: 'rate', perSecond: rate },
          now: () => performance.now(),
          onSent: () => {},
        }),
      train: (signal) => trainBeside({ featureSet: to.name, learner, modelsDir: models.dir, signal }),
      chapterDecisions: CHAPTER_DECISIONS,
      secondsMax,
      now: () => Date.now(),
      write: (line) => process.stdout.write(`${line}\n`),
    })
    let ending = false
    const end = (): void => {
      if (!ending) process.kill(process.pid, 'SIGTERM')
    }
    const ended = demo.run().then(
      () => {
        if (options['exit-when-done'] === true) end()
        else process.stdout.write('\nThe engine goes on serving; Ctrl-C ends it.\n')
        return EXIT.ok
      },
      (error: unknown) => {
        const known = foreseen(error)
        process.stderr.write(`scorestream: the demo failed: ${known?.message ?? (error instanceof Error ? error.stack : String(error))}\n`)
        end()
        return known?.exitCode ?? EXIT.bug
      },
    )
    const code = await untilAskedToEnd(host, async () => {
      ending = true
      demo.stop()
      await ended
    })
    return Math.max(code, await ended)
  },
}
