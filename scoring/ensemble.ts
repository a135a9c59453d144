/** The members of a bundle in the kernels, their combined margin and its attributions. */
import type { Manifest } from '#registry/manifest.ts'
import type { TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { Probability } from '#schemas/units.ts'
import { BundleRefused } from './bundle-refused.ts'
import type { Bundle, LoadedMember } from './bundle.ts'
import { calibrator } from './calibration.ts'
import { attributionBy, type ScorecardPart, scorecardParts } from './scorecard-attribution.ts'
import { blockShapAt, type Perspective, type ShapLayout, writeBlocks } from './shap/block-shap.ts'
import { coverMean } from './shap/cover-mean.ts'
import { kernelMemory, type KernelMemory } from './wasm/kernel-memory.ts'
import { type TreeLayout, type TreeMargin, treeMarginAt, writeTrees } from './wasm/tree-margin.ts'

export type AttributionKind = Perspective['kind']

/** A margin with what explains it: margin = base + Σ attributions, to within 1e-6. */
export interface Explainable {
  /** Mean margin over the background, or by covers; computed without the attributions. */
  readonly base: number
  /** Writes one attribution a feature to `out[0 .. d)`. */
  attribute(vectors: Float32Array, at: number, out: Float64Array): void
  readonly probability: (margin: number) => Probability
}

interface MemberModel extends TreeMargin {
  readonly name: string
}

export interface Ensemble extends Explainable {
  /** As {@link attribute}, bit for bit, for the first `rows` rows: row r to `out[r · d .. (r + 1) · d)`. Many together take a fraction of the time. */
  attributeRows(vectors: Float32Array, rows: number, out: Float64Array): void
  readonly members: readonly MemberModel[]
  /** Ensemble margin of the members' margins, in the manifest's order. */
  combine(margins: readonly number[]): number
  /** The scorecard that decides alone where a member fails. */
  readonly fallback: Explainable & { readonly member: MemberModel }
}

/** The tree members as one ensemble whose leaves carry the members' weights. */
const weighted = (members: readonly LoadedMember[], features: number): TreeEnsemble => ({
  features,
  base: 0,
  trees: members.flatMap(({ weight, ensemble }) =>
    ensemble.trees.map((tree) => ({ ...tree, leafValue: tree.leafValue.map((value) => value * weight) })),
  ),
})

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Each member's mean margin, from the margin kernel or, path-dependent, from the covers. */
const memberBases = (bundle: Bundle, members: readonly MemberModel[], kind: AttributionKind): number[] =>
  bundle.members.map(({ ensemble }, i) =>
    kind === 'path-dependent' ? coverMean(ensemble) : mean(members[i]!.batch(bundle.background, bundle.manifest.background.rows)),
  )

interface WeightedCard {
  readonly weight: number
  readonly parts: readonly ScorecardPart[]
}

/**
 * An ensemble laid out in kernel memory: plain numbers that cross threads, good in that memory and in every copy of it. Making it is what loading a
 * bundle costs; {@link ensembleAt} costs nothing.
 */
export interface EnsembleLayout {
  readonly members: readonly { readonly name: string; readonly weight: number; readonly trees: TreeLayout }[]
  readonly bases: readonly number[]
  readonly shap: ShapLayout | undefined
  readonly scorecards: readonly WeightedCard[]
  readonly fallback: { readonly index: number; readonly parts: readonly ScorecardPart[] }
}

const shapOf = (memory: KernelMemory, { members, manifest, background }: Bundle, kind: AttributionKind): ShapLayout | undefined => {
  const trees = members.filter((member) => member.kind === 'trees')
  if (trees.length === 0) return undefined
  const perspective: Perspective = kind === 'interventional' ? { kind, background } : { kind }
  return writeBlocks(memory, weighted(trees, manifest.features.length), perspective)
}

const fallbackIndex = ({ members, manifest }: Bundle): number => {
  const index = members.findIndex(({ name }) => name === manifest.fallback.member)
  if (members[index]?.kind !== 'scorecard')
    throw new BundleRefused('bundle-format', `manifest.fallback.member "${manifest.fallback.member}" must name a scorecard member`)
  return index
}

/** Lays a bundle's members and their attribution tables out in kernel memory. @throws Error where a member cannot be explained exactly. */
export const writeEnsemble = (memory: KernelMemory, bundle: Bundle, kind: AttributionKind): EnsembleLayout => {
  const members = bundle.members.map(({ name, weight, ensemble }) => ({ name, weight, trees: writeTrees(memory, ensemble) }))
  const models = members.map(({ name, trees }) => ({ name, ...treeMarginAt(memory, trees) }))
  const cards = bundle.members.map(({ kind: member, ensemble }) =>
    member === 'scorecard' ? scorecardParts(ensemble, kind === 'interventional' ? bundle.background : undefined) : undefined,
  )
  const index = fallbackIndex(bundle)
  return {
    members,
    bases: memberBases(bundle, models, kind),
    shap: shapOf(memory, bundle, kind),
    scorecards: cards.flatMap((parts, at) => (parts === undefined ? [] : [{ weight: members[at]!.weight, parts }])),
    fallback: { index, parts: cards[index]! },
  }
}

const attributor = (
  memory: KernelMemory,
  { shap, scorecards }: EnsembleLayout,
  features: number,
): Pick<Ensemble, 'attribute' | 'attributeRows'> => {
  const trees = shap === undefined ? undefined : blockShapAt(memory, shap)
  const cards = scorecards.map(({ weight, parts }) => ({ weight, exact: attributionBy(parts) }))
  return {
    attribute: (vectors, at, out) => {
      if (trees === undefined) out.fill(0)
      else trees.attribute(vectors, at, out)
      for (const { exact, weight } of cards) exact.add(vectors, at, weight, out)
    },
    attributeRows: (vectors, rows, out) => {
      if (trees === undefined) out.fill(0)
      else trees.attributeRows(vectors, 0, rows, out)
      for (const { exact, weight } of cards)
        for (let at = 0; at < rows * features; at += features) exact.add(vectors, at, weight, out.subarray(at, at + features))
    },
  }
}

/** The ensemble that {@link writeEnsemble} laid out in this memory, or in the one it is a copy of. */
export const ensembleAt = (
  memory: KernelMemory,
  layout: EnsembleLayout,
  { combiner, calibration, fallback, features }: Pick<Manifest, 'combiner' | 'calibration' | 'fallback' | 'features'>,
): Ensemble => {
  const { bases } = layout
  const members = layout.members.map(({ name, trees }) => ({ name, ...treeMarginAt(memory, trees) }))
  const combine = (margins: readonly number[]): number => {
    let margin = combiner.intercept
    for (let i = 0; i < margins.length; i++) margin += layout.members[i]!.weight * margins[i]!
    return margin
  }
  const { index, parts } = layout.fallback
  const card = attributionBy(parts)
  return {
    members,
    combine,
    // A weighted sum of means is the mean of the weighted sum.
    base: combine(bases),
    probability: calibrator(calibration),
    ...attributor(memory, layout, features.length),
    fallback: {
      member: members[index]!,
      base: bases[index]!,
      probability: calibrator(fallback.calibration),
      attribute: (vectors, at, out) => {
        out.fill(0)
        card.add(vectors, at, 1, out)
      },
    },
  }
}

/** Both in one, in a memory of its own. */
export const ensembleOf = (bundle: Bundle, kind: AttributionKind): Ensemble => {
  const memory = kernelMemory()
  return ensembleAt(memory, writeEnsemble(memory, bundle, kind), bundle.manifest)
}
