/** The whole of training: events in, a published bundle out. Same events, seed and library: same bytes. */
import type { FeatureSet } from '#features/feature-set.ts'
import type { ReasonGroup } from '#registry/manifest.ts'
import { publish, type Published } from '#registry/publish.ts'
import { THREADS_DEFAULT, THREADS_MAX, type TreeLearner } from './boosted-trees.ts'
import { bundleDraft } from './bundle-draft.ts'
import { checkCutOff, cutOffs, DEFAULT_ECONOMICS, type LendingEconomics } from './cut-offs.ts'
import { badRate, type Dataset, presentSince, type ReplayedData, replaySource } from './dataset.ts'
import { scoreRows } from './ensemble.ts'
import { evaluate } from './evaluate.ts'
import type { EventSource, ReplayOptions } from './event-replay.ts'
import { fitEnsemble, type FittedEnsemble, SCORECARD, TREES } from './fit-ensemble.ts'
import type { LinkedHistory } from './linked-replay.ts'
import { auc } from './metrics/auc.ts'
import { type DataSource, modelCard } from './model-card.ts'
import type { Preparation } from './preparation/preparation.ts'
import { preparedLearner } from './preparation/prepared-learner.ts'
import type { EventShares } from './replay-shares.ts'
import { selectionText } from './selection/selection-text.ts'
import { selectFeatures, type SelectionReport } from './selection/select-features.ts'
import { type PlanName, PLANS } from './training-plan.ts'
import type { TrainingProgress, TrainingReport } from './training-report.ts'
import { measureRun } from './training-run.ts'

export interface TrainOptions {
  /** In log order, or in shares of the applicants, on a thread each. */
  readonly events: EventSource | EventShares
  /** Only outcomes final by then (epoch ms) are known; all of them when absent. */
  readonly maturedBy?: number
  /** Most labelled applications to learn from and be judged on, the newest; all of them when absent. */
  readonly rowsMax?: number
  /**
   * How many of the newest applications are the present population: drift is measured against them afterwards, labelled or not, and probabilities
   * are calibrated on those of them that have an outcome. All training rows when absent.
   */
  readonly recentMax?: number
  /** Sees every application's vector as it is made. */
  readonly onVector?: ReplayOptions['onVector']
  /** What applications read off linked entities; folded in the order of the events when absent. */
  readonly linked?: LinkedHistory
  readonly source: DataSource
  readonly featureSet: FeatureSet
  /** Features that may only raise (1) or only lower (−1) the risk, by name. */
  readonly monotone: Readonly<Record<string, 1 | -1>>
  readonly reasonGroups: readonly ReasonGroup[]
  /** The registry's folder; the bundle goes to `<out>/<name>/<version>/`. */
  readonly out: string
  readonly learner: TreeLearner
  readonly name?: string
  /** Version this one succeeds; part of the bundle's content. */
  readonly parent?: string | null
  readonly seed?: number
  readonly threads?: number
  readonly economics?: LendingEconomics
  /** Cleaning and encoding that members are fitted on; features as they are when absent. */
  readonly preparation?: Preparation
  /** Also fits outlier scores (`scoring/outlier/`), which decide nothing. */
  readonly outlier?: boolean
  /** Also reports which features the trees could do without: SELECTION.md and selection.json beside the bundle. */
  readonly selection?: boolean
  /** How much is searched; `full` when absent. */
  readonly plan?: PlanName
  readonly onProgress?: (progress: TrainingProgress) => void
}

export interface TrainResult extends Published {
  readonly report: TrainingReport
  /** Null where it was not asked for. */
  readonly selection: SelectionReport | null
  /** The untouched applicants, for whoever judges the bundle. */
  readonly holdout: Dataset
  /** Applications left out because their applicant was touched by doubtful data. */
  readonly excluded: number
  /** Event time, epoch ms, of the oldest application that probabilities were calibrated on: the present population begins there. */
  readonly presentSince: number
}

/** Fewest training applications worth a model: ten of each outcome in each of the scorecard's twenty fine bins, at a bad rate of a fifth. */
const ROWS_MIN = 1000
const DEFAULT_SEED = 20_051_001

const checkData = (data: ReplayedData): void => {
  const { rows, labels } = data.training
  if (rows < ROWS_MIN)
    throw new RangeError(
      `training needs at least ${ROWS_MIN} labelled applications outside the holdout, got ${rows}; send more events with outcomes`,
    )
  for (const [part, known] of [
    ['training', labels],
    ['holdout', data.holdout.labels],
  ] as const) {
    const rate = badRate(known)
    if (!(rate > 0 && rate < 1))
      throw new RangeError(`the ${part} applications hold only one outcome (bad rate ${rate}); check the outcome events`)
  }
}

/** Ensemble, members and out-of-fold quality; the ensemble is evaluated as exported. */
const measure = (fitted: FittedEnsemble, data: ReplayedData, seed: number): TrainingReport['metrics'] => {
  const scores = scoreRows(fitted.ensemble, data.holdout)
  const { labels } = data.holdout
  const memberAuc = (member: string) =>
    auc(
      scores.map(({ memberMargins }) => memberMargins[member]!),
      labels,
    )
  return {
    ...evaluate(
      Float64Array.from(scores, ({ probability }) => probability),
      labels,
      seed,
    ),
    treesAuc: memberAuc(TREES),
    scorecardAuc: memberAuc(SCORECARD),
    outOfFoldAuc: auc(fitted.outOfFold, data.training.labels),
  }
}

const reportOf = (fitted: FittedEnsemble, data: ReplayedData, economics: LendingEconomics, seed: number): TrainingReport => {
  const { training, holdout } = data
  const { refer, decline } = cutOffs(economics)
  const share = (holds: (probability: number) => boolean): number => fitted.outOfFold.filter(holds).length / training.rows
  const { outer, final } = fitted.validation
  return {
    events: data.events,
    trainingRows: training.rows,
    holdoutRows: holdout.rows,
    unlabelled: data.unlabelled,
    badRate: badRate([...training.labels, ...holdout.labels]),
    validation: { outer, final },
    scorecard: fitted.scorecard,
    stack: fitted.stack,
    calibration: fitted.calibration,
    cutOff: checkCutOff(fitted.outOfFold, training.labels, economics),
    shares: {
      approve: share((probability) => probability < refer),
      refer: share((probability) => probability >= refer && probability < decline),
      decline: share((probability) => probability >= decline),
    },
    metrics: measure(fitted, data, seed),
  }
}

const selectionFiles = (selection: SelectionReport | null): [string, string][] =>
  selection === null
    ? []
    : [
        ['SELECTION.md', selectionText(selection)],
        ['selection.json', `${JSON.stringify(selection, null, 1)}\n`],
      ]

/**
 * Replays, validates, fits, evaluates and publishes. The alias is not moved: that is `promote`'s decision. Throws RangeError where the
 * events cannot carry a model, LightGbmFailure where the library refuses.
 */
export const train = async (options: TrainOptions): Promise<TrainResult> => {
  const { featureSet, onProgress, seed = DEFAULT_SEED, economics = DEFAULT_ECONOMICS } = options
  const finish = measureRun()
  const data = await replaySource(options.events, {
    featureSet,
    ...(options.linked === undefined ? {} : { linked: options.linked }),
    ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
    ...(options.maturedBy === undefined ? {} : { maturedBy: options.maturedBy }),
    ...(options.recentMax === undefined ? {} : { recentMax: options.recentMax }),
    onVector: options.onVector,
    onProgress: (events, applications) => onProgress?.({ kind: 'replay', events, applications }),
  })
  checkData(data)
  const names = featureSet.features.map(({ name }) => name)
  const directions = new Map(
    names.flatMap((name, feature) => (options.monotone[name] === undefined ? [] : [[feature, options.monotone[name]] as const])),
  )
  const threads = Math.min(options.threads ?? THREADS_DEFAULT, THREADS_MAX)
  const plan = PLANS[options.plan ?? 'full']
  const learner = preparedLearner(options.learner, options.preparation?.trees ?? [], names)
  const task = { learner, seed, directions, threads }
  const fitted = await fitEnsemble(task, plan, data.training, onProgress, options.recentMax, options.preparation?.scorecard.binning)
  onProgress?.({ kind: 'stage', what: 'evaluation on untouched applicants' })
  const report = reportOf(fitted, data, economics, seed)
  const draft = bundleDraft(
    { ...options, learner, name: options.name ?? 'credit', parent: options.parent ?? null, seed, economics, plan },
    data,
    fitted,
    report,
  )
  const selection =
    options.selection === true
      ? selectFeatures(task, fitted.validation.final, data.training, featureSet, (what) => onProgress?.({ kind: 'stage', what }))
      : null
  onProgress?.({ kind: 'stage', what: 'publishing' })
  const published = publish(options.out, {
    ...draft,
    companions: (manifest) =>
      new Map([
        ['MODEL_CARD.md', modelCard(manifest, options.source, report)],
        ['training-run.json', `${JSON.stringify(finish(), null, 1)}\n`],
        ...selectionFiles(selection),
      ]),
  })
  const since = presentSince(data.training, options.recentMax ?? Infinity)
  return { ...published, report, selection, holdout: data.holdout, excluded: data.excluded, presentSince: since }
}
