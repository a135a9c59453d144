/** What the live view counts, in rings of fixed size: a fast stream costs no more memory than a slow one. Pure; the caller brings the clock. */
import { type Decision, type Outcome, OUTCOMES, type Stage } from '../api/types.ts'

/** Decisions that percentiles, score distribution and mix are taken over. */
export const WINDOW = 2_000
/** Seconds of throughput kept. */
export const SECONDS = 180

/** In the order a decision passes them. `commitUs` is work of the batch before, and no part of the decision's own latency. */
export const STAGES: readonly Stage[] = ['queueUs', 'decodeUs', 'stateUs', 'foldUs', 'scoreUs', 'explainUs', 'policyUs', 'publishUs']

/** Points per bin of the score distribution. */
const BIN_POINTS = 10
const SCORE_MIN = 420
const SCORE_MAX = 680
export const BINS = (SCORE_MAX - SCORE_MIN) / BIN_POINTS

export interface StageLatency {
  /** `total` is the sum over all stages of a decision. */
  readonly stage: Stage | 'total'
  /** Microseconds, nearest rank. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface ScoreBin {
  /** Points; the first and the last bin also hold what lies beyond. */
  readonly from: number
  readonly to: number
  readonly counts: Readonly<Record<Outcome, number>>
}

export interface Throughput {
  /** Unix seconds. */
  readonly seconds: readonly number[]
  /** Decisions in each; null where it lies in the future. */
  readonly counts: Readonly<Record<Outcome, readonly number[]>>
}

const nearestRank = (sorted: Float64Array, share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0

const none = (): Record<Outcome, number> => ({ approve: 0, refer: 0, decline: 0 })

export class LiveStatistics {
  /** Stage times of the last decisions, and their sums behind them. */
  readonly #times = [...STAGES, 'total'].map(() => new Float64Array(WINDOW))
  readonly #outcomes = new Uint8Array(WINDOW)
  readonly #scores = new Float64Array(WINDOW)
  #taken = 0
  /** Per second of the wall clock at the decision: outcome counts, and which second the slot stands for. */
  readonly #secondOf = new Float64Array(SECONDS).fill(-1)
  readonly #perSecond = OUTCOMES.map(() => new Uint32Array(SECONDS))
  /** Seen since this view was opened, conflated ones included. */
  readonly totals = none()
  /** Decisions that were counted but not sent, because this page or its line was too slow. */
  conflated = 0

  /** Decisions within the window. */
  get size(): number {
    return Math.min(this.#taken, WINDOW)
  }

  take(decision: Decision): void {
    const slot = this.#taken++ % WINDOW
    let total = 0
    for (const [i, stage] of STAGES.entries()) {
      const us = decision.stages[stage]
      total += us
      ;(this.#times[i] as Float64Array)[slot] = us
    }
    ;(this.#times[STAGES.length] as Float64Array)[slot] = total
    const outcome = OUTCOMES.indexOf(decision.decision)
    this.#outcomes[slot] = outcome
    this.#scores[slot] = decision.score
    this.#count(outcome, 1, Math.floor(Date.parse(decision.decidedAt) / 1_000))
  }

  /** Decisions the server left out; they count for the second in which it said so. */
  skip(skipped: Readonly<Record<Outcome, number>>, nowMs: number): void {
    for (const [i, outcome] of OUTCOMES.entries()) {
      if (skipped[outcome] === 0) continue
      this.#count(i, skipped[outcome], Math.floor(nowMs / 1_000))
      this.conflated += skipped[outcome]
    }
  }

  #count(outcome: number, count: number, second: number): void {
    this.totals[OUTCOMES[outcome] as Outcome] += count
    const slot = second % SECONDS
    // An older decision than the ring reaches back to is part of the totals alone.
    if (second < (this.#secondOf[slot] as number)) return
    if (second > (this.#secondOf[slot] as number)) {
      this.#secondOf[slot] = second
      for (const counts of this.#perSecond) counts[slot] = 0
    }
    ;(this.#perSecond[outcome] as Uint32Array)[slot]! += count
  }

  /** Whole seconds up to the one before `nowMs`. */
  throughput(nowMs: number): Throughput {
    const last = Math.floor(nowMs / 1_000) - 1
    const seconds = Array.from({ length: SECONDS - 1 }, (_, i) => last - (SECONDS - 2) + i)
    const of = (outcome: number): number[] =>
      seconds.map((second) =>
        this.#secondOf[second % SECONDS] === second ? ((this.#perSecond[outcome] as Uint32Array)[second % SECONDS] as number) : 0,
      )
    return { seconds, counts: { approve: of(0), refer: of(1), decline: of(2) } }
  }

  /** Decisions per second over the last five whole seconds. */
  rate(nowMs: number): number {
    const { counts } = this.throughput(nowMs)
    let sum = 0
    for (const outcome of OUTCOMES) for (const count of counts[outcome].slice(-5)) sum += count
    return sum / 5
  }

  /** Percentiles of each stage over the window, then of their total; empty before the first decision. */
  latencies(): readonly StageLatency[] {
    if (this.size === 0) return []
    return ([...STAGES, 'total'] as const).map((stage, i) => {
      const sorted = (this.#times[i] as Float64Array).slice(0, this.size).sort()
      return { stage, p50: nearestRank(sorted, 0.5), p95: nearestRank(sorted, 0.95), p99: nearestRank(sorted, 0.99) }
    })
  }

  scores(): readonly ScoreBin[] {
    const bins = Array.from({ length: BINS }, (_, i) => ({
      from: SCORE_MIN + i * BIN_POINTS,
      to: SCORE_MIN + (i + 1) * BIN_POINTS,
      counts: none(),
    }))
    for (let i = 0; i < this.size; i++) {
      const at = Math.floor(((this.#scores[i] as number) - SCORE_MIN) / BIN_POINTS)
      const bin = bins[Math.min(BINS - 1, Math.max(0, at))]
      if (bin !== undefined) bin.counts[OUTCOMES[this.#outcomes[i] as number] as Outcome]++
    }
    return bins
  }

  /** Outcomes within the window. */
  mix(): Readonly<Record<Outcome, number>> {
    const mix = none()
    for (let i = 0; i < this.size; i++) mix[OUTCOMES[this.#outcomes[i] as number] as Outcome]++
    return mix
  }
}
