/** The members of a bundle in the kernels, their combined margin and its attributions. */
import type { TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { Probability } from '#schemas/units.ts'
import { BundleRefused } from './bundle-refused.ts'
import type { Bundle, LoadedMember } from './bundle.ts'
import { calibrator } from './calibration.ts'
import { scorecardAttribution } from './scorecard-attribution.ts'
import { blockShap, type Perspective } from './shap/block-shap.ts'
import { coverMean } from './shap/cover-mean.ts'
import { kernelMemory, type KernelMemory } from './wasm/kernel-memory.ts'
import { treeMargin, type TreeMargin } from './wasm/tree-margin.ts'

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

const attributor = (memory: KernelMemory, bundle: Bundle, kind: AttributionKind): Explainable['attribute'] => {
  const trees = bundle.members.filter((member) => member.kind === 'trees')
  const background = kind === 'interventional' ? bundle.background : undefined
  const scorecards = bundle.members
    .filter((member) => member.kind === 'scorecard')
    .map(({ ensemble, weight }) => ({ weight, exact: scorecardAttribution(ensemble, background) }))
  const shap =
    trees.length === 0
      ? undefined
      : blockShap(
          memory,
          weighted(trees, bundle.manifest.features.length),
          background === undefined ? { kind: 'path-dependent' } : { kind: 'interventional', background },
        )
  return (vectors, at, out) => {
    if (shap === undefined) out.fill(0)
    else shap.attribute(vectors, at, out)
    for (const { exact, weight } of scorecards) exact.add(vectors, at, weight, out)
  }
}

const fallbackOf = (
  { members, manifest, background }: Bundle,
  models: readonly MemberModel[],
  bases: readonly number[],
  kind: AttributionKind,
): Ensemble['fallback'] => {
  const index = members.findIndex(({ name }) => name === manifest.fallback.member)
  const member = members[index]
  if (member?.kind !== 'scorecard')
    throw new BundleRefused('bundle-format', `manifest.fallback.member "${manifest.fallback.member}" must name a scorecard member`)
  const exact = scorecardAttribution(member.ensemble, kind === 'interventional' ? background : undefined)
  return {
    member: models[index]!,
    base: bases[index]!,
    probability: calibrator(manifest.fallback.calibration),
    attribute: (vectors, at, out) => {
      out.fill(0)
      exact.add(vectors, at, 1, out)
    },
  }
}

/** Loads a bundle's members into kernel memory and builds their attribution tables. @throws Error where a member cannot be explained exactly. */
export const ensembleOf = (bundle: Bundle, kind: AttributionKind): Ensemble => {
  const memory = kernelMemory()
  const { combiner, calibration } = bundle.manifest
  const members = bundle.members.map(({ name, ensemble }) => ({ name, ...treeMargin(memory, ensemble) }))
  const combine = (margins: readonly number[]): number => {
    let margin = combiner.intercept
    for (let i = 0; i < margins.length; i++) margin += bundle.members[i]!.weight * margins[i]!
    return margin
  }
  const bases = memberBases(bundle, members, kind)
  return {
    members,
    combine,
    // A weighted sum of means is the mean of the weighted sum.
    base: combine(bases),
    probability: calibrator(calibration),
    attribute: attributor(memory, bundle, kind),
    fallback: fallbackOf(bundle, members, bases, kind),
  }
}
