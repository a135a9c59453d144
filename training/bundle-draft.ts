/** A fitted ensemble as the files and manifest of a bundle. */
import type { FeatureSet } from '#features/feature-set.ts'
import type { ReasonGroup } from '#registry/manifest.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'
import type { BundleDraft } from '#registry/publish.ts'
import { BACKGROUND_RULE, backgroundBytes, chooseBackground } from './background.ts'
import type { TreeLearner } from './boosted-trees.ts'
import { scoreRow } from './ensemble.ts'
import { cutOffs, type LendingEconomics } from './cut-offs.ts'
import type { ReplayedData } from './dataset.ts'
import { type FittedEnsemble, SCORECARD } from './fit-ensemble.ts'
import { GOLDEN_TOLERANCE_MARGIN, goldenRows } from './golden-rows.ts'
import type { DataSource } from './model-card.ts'
import type { ValidationPlan } from './nested-validation.ts'
import { featureReferences, referenceDistribution } from './reference-distribution.ts'
import { POINTS, pointsOf, scorecardTable } from './score-points.ts'
import type { Preparation } from './preparation/preparation.ts'
import type { TrainingReport } from './training-report.ts'

export interface BundleFacts {
  readonly name: string
  readonly parent: string | null
  readonly source: DataSource
  readonly featureSet: FeatureSet
  readonly monotone: Readonly<Record<string, 1 | -1>>
  readonly reasonGroups: readonly ReasonGroup[]
  readonly learner: TreeLearner
  readonly seed: number
  readonly economics: LendingEconomics
  readonly plan: ValidationPlan
  readonly preparation?: Preparation
}

const BACKGROUND_FILE = 'background.f32'
const GOLDEN_FILE = 'golden.json'

const utf8 = new TextEncoder()

/** What the fit was told, as far as it bears on the result: thread count and verbosity do not. */
const trainingFacts = (facts: BundleFacts, fitted: FittedEnsemble, columns: number) => {
  const { settings, iterations } = fitted.validation.final
  const task = { learner: facts.learner, seed: facts.seed, directions: new Map(), threads: 1 }
  return {
    seed: facts.seed,
    library: facts.learner.description,
    parameters: {
      ...facts.learner.parameters(settings, task, columns),
      iterations,
      folds: facts.plan.folds,
      grid: facts.plan.grid,
      economics: facts.economics,
      ...(facts.preparation === undefined ? {} : { preparation: facts.preparation }),
    },
  }
}

/**
 * What drift is measured against. By default the training rows, with scores out of fold. Where the present population is given, that: a successor
 * learns from years but is asked for because the last weeks were different, and compared with the years it would drift from its first day. Most
 * of those rows have no outcome yet, so that the model has not seen them.
 */
const references = ({ training, recent }: ReplayedData, fitted: FittedEnsemble, names: readonly string[]) => {
  if (recent === null)
    return {
      reference: featureReferences(training, names),
      scoreReference: referenceDistribution(
        'score',
        fitted.outOfFold.map((probability) => pointsOf(probability)),
      ),
    }
  const { columns } = training
  const present = { rows: recent.length / columns, columns, values: recent }
  const scores = Float64Array.from({ length: present.rows }, (_, row) =>
    pointsOf(scoreRow(fitted.ensemble, recent, row * columns).probability),
  )
  return { reference: featureReferences(present, names), scoreReference: referenceDistribution('score', scores) }
}

/** Everything that goes into the bundle; its version follows from the content. */
export const bundleDraft = (facts: BundleFacts, data: ReplayedData, fitted: FittedEnsemble, report: TrainingReport): BundleDraft => {
  const { training, holdout } = data
  const names = facts.featureSet.features.map(({ name }) => name)
  const limits = cutOffs(facts.economics)
  const background = chooseBackground(training, fitted.outOfFold, limits.refer)
  const golden = goldenRows(fitted.ensemble, training, facts.seed)
  const { members, stack } = fitted.ensemble
  const graphs = members.map(({ name, ensemble }) => {
    const doc = `${name} of ${facts.name}: features in vector order, margin in log-odds of bad`
    return [`${name}.onnx`, writeTreeEnsembleOnnx(ensemble, { name, doc })] as const
  })
  return {
    manifest: {
      name: facts.name,
      parent: facts.parent,
      featureSetHash: facts.featureSet.hash,
      features: names,
      members: members.map(({ name, kind, encoded }, index) => ({
        name,
        kind,
        file: `${name}.onnx`,
        weight: stack.weights[index]!,
        ...(encoded === undefined ? {} : { encoded }),
      })),
      combiner: { kind: 'weighted-sum', intercept: stack.intercept },
      calibration: fitted.calibration.calibration,
      fallback: { member: SCORECARD, calibration: fitted.fallbackCalibration },
      cutOffs: limits,
      monotone: Object.fromEntries(Object.entries(facts.monotone).filter(([name]) => names.includes(name))),
      background: { file: BACKGROUND_FILE, rows: background.rows, rule: BACKGROUND_RULE },
      golden: { file: GOLDEN_FILE, rows: golden.length, toleranceMargin: GOLDEN_TOLERANCE_MARGIN },
      ...references(data, fitted, names),
      reasonGroups: facts.reasonGroups,
      points: POINTS,
      scorecard: scorecardTable(fitted.scorecard, names),
      data: {
        source: `${facts.source.name} (${facts.source.licence})`,
        sha256: data.sha256,
        rows: training.rows + holdout.rows,
        holdoutRows: holdout.rows,
        badRate: report.badRate,
      },
      metrics: report.metrics,
      training: trainingFacts(facts, fitted, training.columns),
    },
    files: new Map([
      ...graphs,
      [BACKGROUND_FILE, backgroundBytes(background)],
      [GOLDEN_FILE, utf8.encode(`[\n${golden.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`)],
    ]),
  }
}
