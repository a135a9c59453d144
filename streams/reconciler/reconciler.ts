/**
 * The reconciler: an independent reader of both logs that says, for ever, whether every application has exactly one content. It shares no
 * state with the engine: it would notice what the engine does not.
 *
 * Per partition it walks three logs in step (input, dead letters, decisions) and never lets one overtake the input it speaks of. Memory is
 * bounded by the applications in flight, of which it holds the positions; when too many are, it waits with the input.
 */
import type { EventLog, Topic } from '../ports.ts'
import { PartitionWalk, type PartitionPlace, type PartitionReport } from './partition-walk.ts'

/** What is kept between two runs: enough to go on without counting anything twice. */
export interface ReconcilerCheckpoint {
  readonly version: 1
  readonly partitions: readonly PartitionPlace[]
}

export interface ReconcilerTotals {
  readonly applications: number
  readonly decided: number
  readonly deadLettered: number
  readonly lost: number
  readonly conflicting: number
  readonly repeated: number
  readonly duplicates: number
  readonly inFlight: number
  /** Records of the input and decisions logs not looked at yet. */
  readonly lag: number
}

/** Applications in flight whose positions are held, over all partitions: 8 MB at most. */
const PENDING_MAX = 1_048_576

export interface ReconcilerOptions {
  readonly log: EventLog
  readonly checkpoint?: ReconcilerCheckpoint | undefined
  readonly pendingMax?: number
}

const TOPICS: readonly Topic[] = ['credit-events', 'dead-letters', 'decisions']

export class Reconciler {
  readonly #log: EventLog
  readonly #walks: readonly PartitionWalk[]

  constructor({ log, checkpoint, pendingMax = PENDING_MAX }: ReconcilerOptions) {
    this.#log = log
    const count = log.partitions('credit-events')
    // Another number of partitions is another generation of the topic: what was counted then says nothing of it.
    const places = checkpoint?.partitions.length === count ? checkpoint.partitions : undefined
    const share = Math.max(1, Math.floor(pendingMax / count))
    this.#walks = Array.from({ length: count }, (_, partition) => new PartitionWalk(log, partition, share, places?.[partition]))
  }

  /**
   * One bounded round over all partitions; true where anything was read, so that another round may find more. `pause` is awaited after
   * each partition, some 3 ms of work, so that others get their turn.
   */
  async step(pause: () => Promise<unknown> = async () => {}): Promise<boolean> {
    const all = this.#walks.map((_, partition) => partition)
    for (const topic of TOPICS) await this.#log.refresh(topic, all)
    let read = false
    for (const walk of this.#walks) {
      read = (await walk.step()) || read
      await pause()
    }
    return read
  }

  reports(): readonly PartitionReport[] {
    return this.#walks.map((walk) => walk.report())
  }

  totals(): ReconcilerTotals {
    const sum = (of: (report: PartitionReport) => number): number => this.reports().reduce((total, report) => total + of(report), 0)
    return {
      applications: sum((report) => report.applications),
      decided: sum((report) => report.decided),
      deadLettered: sum((report) => report.deadLettered),
      lost: sum((report) => report.lost),
      conflicting: sum((report) => report.conflicting),
      repeated: sum((report) => report.repeated),
      duplicates: sum((report) => report.duplicates),
      inFlight: sum((report) => report.inFlight),
      lag: sum((report) => report.lag),
    }
  }

  /** Positions looked at, for the log's named consumers. */
  positions(topic: 'credit-events' | 'decisions'): readonly number[] {
    return this.#walks.map((walk) => walk.position(topic))
  }

  checkpoint(): ReconcilerCheckpoint {
    return { version: 1, partitions: this.#walks.map((walk) => walk.place()) }
  }
}
