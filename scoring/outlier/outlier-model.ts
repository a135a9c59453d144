/** How unlike the training applications a vector is, by a bundle's outlier part. */
import type { OutlierPart } from '#registry/manifest.ts'
import type { Tree } from '#registry/onnx/tree-ensemble.ts'
import { isolationForest } from './isolation-forest.ts'
import { localOutlierFactor } from './local-outlier-factor.ts'

export interface OutlierScores {
  /** In (0, 1]: see `isolation-forest.ts`. */
  readonly forest: number
  /** About 1 is ordinary: see `local-outlier-factor.ts`. */
  readonly neighbours: number
}

/** Scores of the vector at `vectors[at .. at + d)`, NaN = missing. */
export type OutlierModel = (vectors: Float32Array, at: number) => OutlierScores

/** Farther than this many interquartile ranges is far: one absurd amount must not be all that distance means. */
const SPREADS_MAX = 10

export type OutlierRules = Pick<OutlierPart, 'fill'> & {
  readonly rowsATree: number
  readonly scale: Pick<OutlierPart['reference'], 'neighbours' | 'centre' | 'spread'>
}

/** @param reference rows × d, NaN = missing. */
export const outlierModel = ({ fill, rowsATree, scale }: OutlierRules, trees: readonly Tree[], reference: Float32Array): OutlierModel => {
  const { centre, spread, neighbours } = scale
  const columns = fill.length
  const used = fill.map((_, feature) => feature).filter((feature) => spread[feature]! > 0)
  const filled = new Float32Array(columns)
  const fillFrom = (vectors: Float32Array, at: number): void => {
    for (let i = 0; i < columns; i++) filled[i] = Number.isNaN(vectors[at + i]!) ? fill[i]! : vectors[at + i]!
  }
  const scaleInto = (out: Float64Array, at: number): void => {
    for (const [place, feature] of used.entries()) {
      const distance = (filled[feature]! - centre[feature]!) / spread[feature]!
      out[at + place] = Math.min(SPREADS_MAX, Math.max(-SPREADS_MAX, distance))
    }
  }
  const sample = new Float64Array((reference.length / columns) * used.length)
  for (let row = 0; row * columns < reference.length; row++) {
    fillFrom(reference, row * columns)
    scaleInto(sample, row * used.length)
  }
  const forest = isolationForest(trees, rowsATree)
  const factor = localOutlierFactor(sample, used.length, neighbours)
  const scaled = new Float64Array(used.length)
  return (vectors, at) => {
    fillFrom(vectors, at)
    scaleInto(scaled, 0)
    return { forest: forest(filled, 0), neighbours: factor(scaled, 0) }
  }
}
