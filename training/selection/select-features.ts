/** Which features a model could do without, and what that would cost in discrimination: a report; nothing is dropped by it. */
import type { FeatureSet } from '#features/feature-set.ts'
import type { Interval } from '#registry/manifest.ts'
import type { TreeSettings, TreeTask } from '../boosted-trees.ts'
import { type Dataset, newestRows, takeRows } from '../dataset.ts'
import { assignFolds, rowsWhere } from '../folds.ts'
import { aucDifference } from '../metrics/auc.ts'
import { monotoneBins } from '../monotone-bins.ts'
import { populationShift } from './population-shift.ts'
import { leaderClusters, rankCorrelations } from './rank-correlation.ts'
import { splitGain } from './split-gain.ts'

export interface FeatureWorth {
  readonly feature: string
  /** Share of what the trees' splits explain, mean over folds. */
  readonly importance: number
  /** Its least and greatest rank by importance over the folds, from 1: far apart is chance. */
  readonly rankBest: number
  readonly rankWorst: number
  /** Of monotone bins; 0 where none differ. */
  readonly informationValue: number
  /** The feature that says nearly the same and more; itself where there is none. */
  readonly leader: string
  /** Rank correlation with it. */
  readonly correlation: number
  /** Population stability index within the training period; null where times are unknown. */
  readonly shift: number | null
  /** Bytes of an applicant's state it needs beyond what it shares. */
  readonly stateBytes: number
}

export interface DropTrial {
  readonly why: 'redundant' | 'weak' | 'both'
  readonly features: readonly string[]
  readonly stateBytes: number
  /** Out-of-fold AUC of the trees without them less that with them, paired. */
  readonly difference: Interval
  /** The whole interval lies above the loss that is worth a simpler model. */
  readonly recommended: boolean
}

export interface SelectionReport {
  readonly folds: number
  /** Most important first. */
  readonly features: readonly FeatureWorth[]
  readonly trials: readonly DropTrial[]
}

const FOLDS = 5
/** Rank correlation from which one of two features can stand for both. */
const REDUNDANT_CORRELATION = 0.95
/** Features below this share of what splits explain, in every fold, are weak. */
const WEAK_SHARE = 0.002
/** Newest rows that correlations are taken over: known to ±0.02 at least. */
const CORRELATION_ROWS = 5_000
/** Loss of AUC that nobody would see in a portfolio. */
export const AUC_LOSS_MAX = 0.002

const columnsOf = ({ values, rows, columns }: Dataset): Float32Array[] =>
  Array.from({ length: columns }, (_, feature) => Float32Array.from({ length: rows }, (__, row) => values[row * columns + feature]!))

/** Nothing can be split on a feature that is 0 everywhere. */
const blanked = (data: Dataset, features: ReadonlySet<number>): Dataset => ({
  ...data,
  values: data.values.map((value, index) => (features.has(index % data.columns) ? 0 : value)),
})

interface FoldFits {
  readonly margins: Float64Array
  /** Gains of each fold's trees. */
  readonly gains: readonly Float64Array[]
}

const fitFolds = (task: TreeTask, settings: TreeSettings, iterations: number, data: Dataset, folds: Uint8Array): FoldFits => {
  const margins = new Float64Array(data.rows)
  const gains: Float64Array[] = []
  for (let fold = 0; fold < FOLDS; fold++) {
    const inside = rowsWhere(folds, (other) => other === fold)
    const rest = takeRows(
      data,
      rowsWhere(folds, (other) => other !== fold),
    )
    const fitted = task.learner.fit(task, settings, rest, iterations, [takeRows(data, inside)])
    inside.forEach((row, index) => (margins[row] = fitted.margins[0]![index]!))
    gains.push(splitGain(fitted.ensemble))
  }
  return { margins, gains }
}

/** Rank from 1 of each feature, the greatest first. */
const ranksOf = (gains: Float64Array): Int32Array => {
  const ranks = new Int32Array(gains.length)
  const order = Int32Array.from(gains.keys()).sort((a, b) => gains[b]! - gains[a]! || a - b)
  order.forEach((feature, place) => (ranks[feature] = place + 1))
  return ranks
}

const meanOf = (all: readonly Float64Array[]): Float64Array =>
  all[0]!.map((_, feature) => all.reduce((sum, one) => sum + one[feature]!, 0) / all.length)

/** Fits 5 folds with everything and 5 without each group of candidates; `say` hears what is under way. */
export const selectFeatures = (
  task: TreeTask,
  { settings, iterations }: { readonly settings: TreeSettings; readonly iterations: number },
  data: Dataset,
  featureSet: FeatureSet,
  say: (what: string) => void = () => {},
): SelectionReport => {
  const folds = assignFolds(data, FOLDS, task.seed)
  say('selection: importance over folds')
  const whole = fitFolds(task, settings, iterations, data, folds)
  const importance = meanOf(whole.gains)
  const ranks = whole.gains.map(ranksOf)
  say('selection: redundancy and drift')
  const correlations = rankCorrelations(columnsOf(takeRows(data, newestRows(data, CORRELATION_ROWS))))
  const leaders = leaderClusters(correlations, importance, REDUNDANT_CORRELATION)
  const shift = populationShift(data)
  const worth = columnsOf(data).map((values, feature): FeatureWorth => ({
    feature: featureSet.features[feature]!.name,
    importance: importance[feature]!,
    rankBest: Math.min(...ranks.map((rank) => rank[feature]!)),
    rankWorst: Math.max(...ranks.map((rank) => rank[feature]!)),
    informationValue: monotoneBins(values, data.labels, task.directions.get(feature))?.informationValue ?? 0,
    leader: featureSet.features[leaders[feature]!]!.name,
    correlation: leaders[feature] === feature ? 1 : correlations[leaders[feature]!]![feature]!,
    shift: shift?.[feature] ?? null,
    stateBytes: featureSet.features[feature]!.stateBytes,
  }))
  const all = Array.from(importance.keys())
  const redundant = all.filter((feature) => leaders[feature] !== feature)
  const weak = all.filter((feature) => whole.gains.every((gains) => gains[feature]! < WEAK_SHARE))
  const trial = (why: DropTrial['why'], dropped: readonly number[]): DropTrial => {
    say(`selection: without ${dropped.length} ${why === 'both' ? 'redundant or weak' : why} features`)
    const { margins } = fitFolds(task, settings, iterations, blanked(data, new Set(dropped)), folds)
    const difference = aucDifference(margins, whole.margins, data.labels)
    const stateBytes = dropped.reduce((sum, feature) => sum + worth[feature]!.stateBytes, 0)
    return {
      why,
      features: dropped.map((feature) => worth[feature]!.feature),
      stateBytes,
      difference,
      recommended: difference.low > -AUC_LOSS_MAX,
    }
  }
  const groups = [
    ['redundant', redundant],
    ['weak', weak],
    ['both', [...new Set([...redundant, ...weak])].toSorted((a, b) => a - b)],
  ] as const
  const trials = groups
    .filter(([, dropped]) => dropped.length > 0 && dropped.length < data.columns)
    .map(([why, dropped]) => trial(why, dropped))
  return { folds: FOLDS, features: worth.toSorted((a, b) => b.importance - a.importance), trials }
}
