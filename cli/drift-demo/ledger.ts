/** What the demo knows of its own applications: their phase and what came of them, joined with what the engine decided. */
import { isHoldout } from '#registry/holdout.ts'
import type { Decision } from '#schemas/decision.ts'
import type { DriftPhase } from '#streams/demo/drift-stream.ts'
import { auc } from '#training/metrics/auc.ts'

/** Applications of one phase that one model decided. */
export interface Chapter {
  readonly phase: DriftPhase
  readonly modelVersion: string
  readonly decisions: number
  readonly approved: number
  readonly probabilityMean: number
  /** Of all of them, known to the demo beforehand. */
  readonly badRate: number
  /** On applicants that no model is fitted on; null with too few of them. */
  readonly auc: { readonly value: number; readonly low: number; readonly high: number } | null
}

interface Told {
  readonly phase: DriftPhase
  readonly label: number
  readonly holdout: boolean
}

interface Pages {
  readonly phase: DriftPhase
  readonly modelVersion: string
  decisions: number
  approved: number
  probabilitySum: number
  bads: number
  readonly scores: number[]
  readonly labels: number[]
}

/** Bads among the holdout from which an AUC says something. */
const BADS_MIN = 30

const written = ({ phase, modelVersion, decisions, approved, probabilitySum, bads, scores, labels }: Pages): Chapter => {
  const holdoutBads = labels.reduce((sum, label) => sum + label, 0)
  const enough = holdoutBads >= BADS_MIN && labels.length - holdoutBads >= BADS_MIN
  return {
    phase,
    modelVersion,
    decisions,
    approved,
    probabilityMean: probabilitySum / decisions,
    badRate: bads / decisions,
    auc: enough ? auc(scores, labels) : null,
  }
}

export class DemoLedger {
  /** Applications sent and not decided yet. */
  readonly #told = new Map<string, Told>()
  readonly #pages = new Map<string, Pages>()
  /** Milliseconds from append to readable decision, with the wall-clock time of the decision. */
  readonly #latencies: { readonly at: number; readonly ms: number }[] = []

  sent(applicationId: string, applicantId: string, phase: DriftPhase, label: number): void {
    this.#told.set(applicationId, { phase, label, holdout: isHoldout(applicantId) })
  }

  decided({ body, envelope }: Decision): void {
    const told = this.#told.get(body.applicationId)
    if (told === undefined) return
    this.#told.delete(body.applicationId)
    const { phase, label, holdout } = told
    const { modelVersion, probability } = body
    const key = `${phase} ${modelVersion}`
    const pages = this.#pages.get(key) ?? {
      phase,
      modelVersion,
      decisions: 0,
      approved: 0,
      probabilitySum: 0,
      bads: 0,
      scores: [],
      labels: [],
    }
    this.#pages.set(key, pages)
    pages.decisions++
    pages.approved += Number(body.decision === 'approve')
    pages.probabilitySum += probability
    pages.bads += label
    if (holdout) {
      pages.scores.push(probability)
      pages.labels.push(label)
    }
    const { queueUs, decodeUs, stateUs, foldUs, scoreUs, explainUs, policyUs, publishUs } = envelope.stages
    const us = queueUs + decodeUs + stateUs + foldUs + scoreUs + explainUs + policyUs + publishUs
    this.#latencies.push({ at: envelope.decidedAt, ms: us / 1000 })
  }

  decisions(modelVersion: string): number {
    return [...this.#pages.values()].filter((pages) => pages.modelVersion === modelVersion).reduce((sum, pages) => sum + pages.decisions, 0)
  }

  chapters(): Chapter[] {
    return [...this.#pages.values()].map(written)
  }

  /** The 99th percentile of the decisions made between two wall-clock times; NaN where there were none. */
  p99Ms(from: number, to: number): number {
    const within = this.#latencies
      .filter(({ at }) => at >= from && at <= to)
      .map(({ ms }) => ms)
      .toSorted((a, b) => a - b)
    return within[Math.floor(within.length * 0.99)] ?? Number.NaN
  }
}
