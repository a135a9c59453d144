/** Every gate that a successor passes before it may decide, on applicants that neither it nor its champion was fitted on. */
import type { KnownFeatures } from '#scoring/bundle.ts'
import type { Gate } from '#schemas/monitoring-events.ts'
import type { FairnessLimits } from '#monitoring/statistics/group-fairness.ts'
import { type BundleModel, loadBundleModel, refusalOf } from '#training/bundle-model.ts'
import { type Dataset, newestRows, rowsSince, takeRows } from '#training/dataset.ts'
import { calibrationGates } from '#training/gates/calibration-gate.ts'
import { discriminationGates } from '#training/gates/discrimination-gate.ts'
import type { FeatureParity } from '#training/gates/feature-parity-gate.ts'
import { latencyGate } from '#training/gates/latency-gate.ts'
import { verdict } from '#training/gates/verdict.ts'
import { fairnessGates, type GroupsOf, type JudgedApplicants } from './fairness-gate.ts'

export interface JudgeOptions {
  readonly successorDir: string
  readonly championDir: string
  readonly featureSet: KnownFeatures
  /** Held-out applications with matured outcomes. */
  readonly holdout: Dataset
  /**
   * Event time, epoch ms, from which on probabilities are judged: where those begin that they were calibrated on. On a longer stretch a population
   * that has just changed is another mixture, and an honest successor fails.
   */
  readonly presentSince: number
  /** Newest of them on which approvals are judged: more, for groups are small. */
  readonly approvalRows: number
  readonly parity: FeatureParity
  readonly groupsOf: GroupsOf
  readonly vault: JudgedApplicants['vault']
  readonly fairness: FairnessLimits
  /** Monotonic milliseconds. */
  readonly now: () => number
}

const kernelGate = (refusal: string | null): Gate =>
  verdict(
    'kernel-parity',
    refusal === null,
    { value: Number(refusal !== null), threshold: 0 },
    refusal ?? 'kernels, ONNX Runtime and golden rows agree, also beside split thresholds; attributions add up',
  )

const orRefusal = async (load: Promise<BundleModel>): Promise<BundleModel | string> => {
  try {
    return await load
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    return refusal
  }
}

/** @throws where the champion itself cannot be loaded: then nothing can be compared. */
export const judgeSuccessor = async (options: JudgeOptions): Promise<Gate[]> => {
  const { successorDir, championDir, featureSet, holdout, presentSince, approvalRows, parity, groupsOf, vault, fairness, now } = options
  const successor = await orRefusal(loadBundleModel(successorDir, featureSet))
  if (typeof successor === 'string') return [kernelGate(successor), parity.gate()]
  const champion = await loadBundleModel(championDir, featureSet)
  // Probabilities and approvals are promised for the present population, ranking for everybody.
  const present = takeRows(holdout, rowsSince(holdout, presentSince))
  const approved = takeRows(holdout, newestRows(holdout, approvalRows))
  const judged = (model: BundleModel) => ({ probabilities: model.probabilities(approved), cutOffs: model.manifest.cutOffs })
  return [
    ...discriminationGates(successor.probabilities(holdout), champion.probabilities(holdout), holdout.labels),
    ...calibrationGates(successor.probabilities(present), champion.probabilities(present), present.labels),
    ...fairnessGates({ ...approved, groupsOf, vault }, judged(successor), judged(champion), fairness),
    latencyGate(successor, champion, successor.golden, holdout.columns, now),
    kernelGate(null),
    parity.gate(),
  ]
}
