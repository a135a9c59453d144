/** Exact attributions of an additive scorecard: what the row's bin contributes, less what is contributed on average. */
import { isLeaf, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import { coverMeanOfTree } from './shap/cover-mean.ts'
import { leafOf } from './wasm/tree-margin-plain.ts'

/** One feature's bins: value i holds for thresholds[i − 1] < x <= thresholds[i]. */
interface Bins {
  readonly feature: number
  readonly thresholds: Float32Array
  /** One more than thresholds. */
  readonly values: Float64Array
  readonly missing: number
}

const binsOf = (tree: Tree, index: number, features: number): Bins | undefined => {
  const splits = [...tree.feature.keys()].filter((node) => !isLeaf(tree, node))
  const [first] = splits
  if (first === undefined) return undefined
  const feature = tree.feature[first]!
  if (splits.some((node) => tree.feature[node] !== feature))
    throw new Error(`tree ${index} of the scorecard splits on more than one feature; a scorecard has one single-feature tree per feature`)
  const thresholds = Float32Array.from(new Set(splits.map((node) => tree.threshold[node]!))).sort()
  const row = new Float32Array(features)
  const valueAt = (x: number): number => {
    row[feature] = x
    return leafOf(tree, row, 0)
  }
  return { feature, thresholds, values: Float64Array.from([...thresholds, Infinity], valueAt), missing: valueAt(NaN) }
}

const valueOf = ({ feature, thresholds, values, missing }: Bins, vectors: Float32Array, at: number): number => {
  const x = vectors[at + feature]!
  if (Number.isNaN(x)) return missing
  let bin = 0
  while (bin < thresholds.length && x > thresholds[bin]!) bin++
  return values[bin]!
}

export interface ScorecardAttribution {
  /** Adds weight × (contribution − mean contribution) of each feature to `out[0 .. d)`. */
  add(vectors: Float32Array, at: number, weight: number, out: Float64Array): void
}

/** One feature of a scorecard, with its mean contribution. */
export interface ScorecardPart {
  readonly bins: Bins
  readonly mean: number
}

/**
 * @param background rows × d whose mean contribution is the reference, or undefined for the training rows' mean by covers.
 * @throws Error where a tree splits on more than one feature: the model would not be additive.
 */
export const scorecardParts = (ensemble: TreeEnsemble, background: Float32Array | undefined): ScorecardPart[] => {
  const { features, trees } = ensemble
  return trees.flatMap((tree, index) => {
    const bins = binsOf(tree, index, features)
    if (bins === undefined) return []
    if (background === undefined) return [{ bins, mean: coverMeanOfTree(tree) }]
    const rows = background.length / features
    let sum = 0
    for (let r = 0; r < rows; r++) sum += valueOf(bins, background, r * features)
    return [{ bins, mean: sum / rows }]
  })
}

export const attributionBy = (parts: readonly ScorecardPart[]): ScorecardAttribution => ({
  add: (vectors, at, weight, out) => {
    for (const { bins, mean } of parts) out[bins.feature] = out[bins.feature]! + weight * (valueOf(bins, vectors, at) - mean)
  },
})

/** Both in one: {@link scorecardParts}, {@link attributionBy}. */
export const scorecardAttribution = (ensemble: TreeEnsemble, background: Float32Array | undefined): ScorecardAttribution =>
  attributionBy(scorecardParts(ensemble, background))
