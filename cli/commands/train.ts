/** `scorestream train`: the demo data through the live feature code to a published bundle. */
import { readFileSync } from 'node:fs'
import { FEATURE_SETS } from '#features/sets.ts'
import type { Alias } from '#registry/model-reference.ts'
import { promote } from '#registry/promote.ts'
import { parsePreparation } from '#training/preparation/parse-preparation.ts'
import type { Preparation } from '#training/preparation/preparation.ts'
import { trialLine } from '#training/selection/selection-text.ts'
import { TAIWAN_SOURCE, TAIWAN_SOURCE_WITH_LINKS } from '#training/taiwan-source.ts'
import type { TrainingProgress } from '#training/training-report.ts'
import { train as runTraining } from '#training/train.ts'
import { personally } from '../attribution.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, numeric, type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { demoEvents } from '../demo-shares.ts'
import { featureSetNamed } from '../feature-sets.ts'
import { progressLine, thousands } from '../progress.ts'
import { deviceOf, learnerOf, openLearner } from '../retrain/open-learner.ts'

const showProgress = (): ((progress: TrainingProgress) => void) => {
  const now = (): number => performance.now()
  const replay = progressLine('replay', now)
  const fit = progressLine('fit   ', now)
  const events = demoEventCount
  return (progress) => {
    switch (progress.kind) {
      case 'replay':
        replay.update(progress.events, events, `${thousands(progress.applications)} applications`)
        break
      case 'fit':
        fit.update(progress.done, progress.total, `${progress.what}, ${progress.iterations} trees, log loss ${progress.logLoss.toFixed(4)}`)
        break
      case 'stage':
        replay.clear()
        fit.clear()
        process.stderr.write(`${progress.what}\n`)
        break
      default:
        progress satisfies never
    }
  }
}

/** Events of the demo stream; a test holds it. */
const demoEventCount = 383_103

const preparationIn = (file: string, features: readonly string[]): Preparation => {
  let source: string
  try {
    source = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CommandError('preparation-unreadable', `--preparation ${file} cannot be read: ${(cause as Error).message}`, EXIT.noInput)
  }
  return parsePreparation(source, file, features)
}

const WORKERS_MAX = 64
/** A thread takes some 0.7 s of CPU before its first event (modules, compiling, the data), the whole replay of the demo 1.6 s: two gain nothing. */
const WORKERS_DEFAULT = 1

/** A linked set reads what other applicants told in the meantime: its replay has one order, and one thread. */
const workersOf = (options: OptionValues, setName: string, links: boolean): number => {
  const given = numeric(options, 'workers', { minimum: 1, maximum: WORKERS_MAX })
  if (given !== undefined && !Number.isInteger(given))
    throw new CommandError('usage', `--workers takes a whole number of threads, got ${given}`, EXIT.usage)
  if (links && given !== undefined && given > 1)
    throw new CommandError(
      'usage',
      `--workers ${given} does not go with --features ${setName}: its applications read what other applicants told before them, in one order. Leave --workers out.`,
      EXIT.usage,
    )
  return given ?? WORKERS_DEFAULT
}

export const train: Command = {
  name: 'train',
  summary:
    'Replays the demo stream through the live feature code, fits, validates, calibrates, evaluates on the untouched fifth, and publishes a bundle.',
  options: {
    config: DATA_OPTIONS.config,
    out: { type: 'string', value: 'DIR', help: 'registry folder (default: models.dir of the configuration)' },
    features: { type: 'string', value: 'NAME', help: 'feature set to train on: credit-v1 (default) or credit-linked-v1' },
    learner: { type: 'string', value: 'NAME', help: 'lightgbm (default) or xgboost' },
    device: { type: 'string', value: 'NAME', help: 'auto (default: XGBoost on a CUDA device where it finds one), cpu or cuda' },
    workers: {
      type: 'string',
      value: 'N',
      help: 'threads that replay, each its share of the applicants (default: 1; the bytes are the same for any number)',
    },
    seed: { type: 'string', value: 'N', help: 'seed of folds and fits; same seed, same bytes' },
    preparation: {
      type: 'string',
      value: 'FILE',
      help: 'cleaning and encoding of features before members are fitted (training/README.md)',
    },
    selection: { type: 'boolean', help: 'also report which features the trees could do without (SELECTION.md)' },
    outlier: { type: 'boolean', help: 'also fit outlier scores into the bundle, for `scorestream outliers`' },
    quick: { type: 'boolean', help: 'little search and few trees: for trying things out, not for use' },
    promote: { type: 'string', value: 'ALIAS', help: 'then make it champion, challenger or fallback' },
    ...JSON_OPTION,
  },
  notes: `
Needs the learner's shared library and says how to get it where it is missing. A full fit takes some minutes on two cores.

Exit codes: 0 published, 64 usage, 65 data or bundle refused, 69 library missing.`,
  async run(options) {
    const config = loadConfig({ file: text(options, 'config'), environment: process.env })
    const { name: setName, set, monotone, reasonGroups } = featureSetNamed(text(options, 'features') ?? FEATURE_SETS[0].name, '--features')
    const links = set.linked !== undefined
    const workers = workersOf(options, setName, links)
    const learner = openLearner(learnerOf(text(options, 'learner')), deviceOf(text(options, 'device')))
    const seed = numeric(options, 'seed', { minimum: 0, maximum: 2 ** 31 - 1 })
    const out = text(options, 'out') ?? config.models.dir
    const prepared = text(options, 'preparation')
    const result = await runTraining({
      events: demoEvents(links, workers),
      source: links ? TAIWAN_SOURCE_WITH_LINKS : TAIWAN_SOURCE,
      featureSet: set,
      monotone,
      reasonGroups,
      out,
      learner,
      plan: options['quick'] === true ? 'quick' : 'full',
      ...(prepared === undefined
        ? {}
        : {
            preparation: preparationIn(
              prepared,
              set.features.map(({ name }) => name),
            ),
          }),
      selection: options['selection'] === true,
      outlier: options['outlier'] === true,
      onProgress: showProgress(),
      ...(seed === undefined ? {} : { seed }),
    })
    const alias = text(options, 'promote')
    if (alias !== undefined)
      promote(out, result.manifest.name, result.version, alias as Alias, personally('trained with --promote', Date.now()))
    const { metrics } = result.report
    if (options['json'] === true)
      process.stdout.write(
        `${JSON.stringify({ version: result.version, features: setName, directory: result.directory, created: result.created, metrics, ...(result.selection === null ? {} : { selection: result.selection }) })}\n`,
      )
    else {
      const rows = Object.entries(metrics).map(
        ([name, { value, low, high }]) => `  ${name.padEnd(24)} ${value.toFixed(4)}  [${low.toFixed(4)}, ${high.toFixed(4)}]`,
      )
      process.stdout.write(
        `${result.created ? 'published' : 'the very same bundle was there already:'} ${result.directory}\n${rows.join('\n')}\nmodel card: ${result.directory}/MODEL_CARD.md\n`,
      )
      for (const trial of result.selection?.trials ?? []) process.stdout.write(`${trialLine(trial)}\n`)
      if (result.selection !== null) process.stdout.write(`features: ${result.directory}/SELECTION.md\n`)
    }
    return EXIT.ok
  },
}
