/** The model card: what a reader must know before relying on the model, written from the manifest and the fit's own report. */
import type { Interval, Manifest } from '#registry/manifest.ts'
import { BACKGROUND_RULE } from './background.ts'
import type { TrainingReport } from './training-report.ts'

/** What the caller knows of the data and training does not. */
export interface DataSource {
  /** One line: which data, whose. */
  readonly name: string
  readonly licence: string
  /** What the probability is of, and for which decision: one sentence. */
  readonly purpose: string
  /** Sentences a reader needs about how the data came to be. */
  readonly notes: readonly string[]
  /** What a model of these data cannot do. */
  readonly limits: readonly string[]
}

const digits = (value: number, places = 4): string => value.toFixed(places)
const interval = ({ value, low, high }: Interval): string => `${digits(value)} [${digits(low)}, ${digits(high)}]`
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const METRIC_NAMES: Readonly<Record<string, string>> = {
  auc: 'AUC (DeLong)',
  gini: 'Gini',
  ks: 'KS (bootstrap)',
  brier: 'Brier score (bootstrap)',
  logLoss: 'Log loss, nats (bootstrap)',
  calibrationSlope: 'Calibration slope (Wald; 1 is perfect)',
  calibrationIntercept: 'Calibration in the large (Wald; 0 is perfect)',
  lift10: 'Lift in the riskiest 10 % (bootstrap)',
  treesAuc: 'AUC of the trees alone',
  scorecardAuc: 'AUC of the scorecard alone',
  outOfFoldAuc: 'AUC out of fold, training applicants',
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const dataSection = (manifest: Manifest, source: DataSource, report: TrainingReport): string => `## Data

${source.name}. Licence: ${source.licence}.
${source.notes.map((note) => `- ${note}`).join('\n')}
- ${report.events} events replayed into ${manifest.data.rows} labelled applications, ${percent(report.badRate)} bad; ${report.unlabelled} applications without an
  observed outcome were left out. Fingerprint (ids, labels, vectors): \`${manifest.data.sha256}\`.
- ${manifest.data.holdoutRows} of them belong to the fixed fifth of applicants (hash of the applicant id) that nothing was fitted, chosen or calibrated on.`

const methodSection = (manifest: Manifest, report: TrainingReport): string => {
  const { final, outer } = report.validation
  const { depth, leaves, rowsPerLeafMin, ridge, learningRate, featureShare, rowShare } = final.settings
  const weights = manifest.members.map(({ name, weight }) => `${weight.toFixed(3)} × ${name}`).join(' + ')
  return `## Method

- Trees: ${manifest.training.library}; depth ≤ ${depth}, ≤ ${leaves} leaves, ≥ ${rowsPerLeafMin} rows a leaf, ridge ${ridge}, learning rate ${learningRate}, ${percent(featureShare)} of the features and
  ${percent(rowShare)} of the rows a tree, ${Object.keys(manifest.monotone).length} monotone constraints, ${final.iterations} trees. Chosen by nested stratified ${outer.length}-fold cross-validation by client; outer folds chose ${outer
    .map(({ settings, iterations }) => `depth ${settings.depth} × ${iterations}`)
    .join(', ')}.
- Scorecard: ${manifest.scorecard.length} features in monotone weight-of-evidence bins, logistic regression with non-negative effects.
- Ensemble margin (log-odds of bad) = ${manifest.combiner.intercept.toFixed(4)} + ${weights}; weights by non-negative logistic stacking on out-of-fold margins.
- Calibration: ${manifest.calibration.kind}. Cross-fitted log loss: Platt ${digits(report.calibration.plattLoss, 5)}, isotonic ${digits(report.calibration.isotonicLoss, 5)} (difference ${digits(report.calibration.difference, 5)}, standard
  error ${digits(report.calibration.differenceError, 5)}).
- Explanations compare with ${manifest.background.rows} ${BACKGROUND_RULE}.`
}

/** What members saw in place of features; nothing where they saw the features. */
const preparationSection = ({ members }: Manifest): string => {
  const rows = members.flatMap(({ name, encoded = [] }) =>
    encoded.map((column) => [
      name,
      `\`${column.name}\``,
      `\`${column.feature}\``,
      String(column.pieces.length),
      String(column.missing ?? 'missing'),
    ]),
  )
  if (rows.length === 0) return ''
  return `
## Preparation

Columns that members were fitted on in place of features. Their graphs take features as they are, and attributions belong to these.

${table(['member', 'column', 'made of', 'pieces', 'a missing value is'], rows)}
`
}

const decisionSection = (manifest: Manifest, { cutOff, shares }: TrainingReport): string => `## Decisions

A good loan earns ${manifest.cutOffs.margin} and a bad one loses ${manifest.cutOffs.lossGivenDefault} of the exposure: break-even at a probability of ${digits(cutOff.breakEven, 3)}. Approve below ${digits(manifest.cutOffs.refer, 3)}, decline from
${digits(manifest.cutOffs.decline, 3)}, refer between, where the expected profit at stake is smaller than the cost of a review. Out of fold this approves ${percent(shares.approve)}, refers ${percent(shares.refer)} and
declines ${percent(shares.decline)}. Profit per application at break-even: ${digits(cutOff.profitAtBreakEven)} of the exposure; at the best cut-off in hindsight (${digits(cutOff.bestCutOff, 3)}): ${digits(cutOff.profitAtBest)}.
These economics are illustrative defaults. A lender sets its own in the policy file.`

/** Limits of the method, whatever the data. */
const METHOD_LIMITS = [
  'A feature that was never missing in training reads a missing value as 0 in the trees. Applicants without history are outside the data and belong to a person.',
  'Outcomes are taken as observed; a portfolio knows none for those it declined, and a model retrained on the rest inherits that selection.',
  'Fairness is not assessed here: protected attributes never reach training. The monitors assess it on decisions.',
]

const limitsSection = (source: DataSource): string => `## Limits

${[...source.limits, ...METHOD_LIMITS].map((limit) => `- ${limit}`).join('\n')}`

/** Markdown. Deterministic in its arguments. */
export const modelCard = (
  manifest: Manifest,
  source: DataSource,
  report: TrainingReport,
): string => `# Model card: ${manifest.name} ${manifest.version}

${source.purpose} An ensemble of gradient-boosted trees and a logistic scorecard; the scorecard decides alone when the trees cannot. Feature set \`${manifest.featureSetHash.slice(0, 12)}\`, ${manifest.features.length} features. Seed ${manifest.training.seed}.

${dataSection(manifest, source, report)}

${methodSection(manifest, report)}
${preparationSection(manifest)}
## Quality on the untouched applicants

${table(
  ['measure', 'value [95 % interval]'],
  Object.entries(manifest.metrics).map(([key, value]) => [METRIC_NAMES[key] ?? key, interval(value)]),
)}

${decisionSection(manifest, report)}

${limitsSection(source)}

## Scorecard

600 points at odds of 50:1 good:bad, 20 points double the odds. Bins are \`value <= edge\`.

${table(
  ['feature', 'information value', 'edges', 'points', 'missing'],
  manifest.scorecard.map(({ feature, iv, edges, points, missing }) => [
    `\`${feature}\``,
    digits(iv, 3),
    edges.map((edge) => Number(edge.toPrecision(4))).join(', '),
    points.join(', '),
    String(missing.points),
  ]),
)}
`
