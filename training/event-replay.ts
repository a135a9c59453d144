/** Folds events through the live feature code into labelled vectors, in bounded memory. */
import type { FeatureSet } from '#features/feature-set.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { type LinkedHistory, LinkedReplay } from './linked-replay.ts'
import { byApplicationId, newest, type Replayed, type ReplayedApplication, type ReplayedRow } from './replayed.ts'

/** Where events come from: pushes them in log order, partition after partition or all in one. */
export type EventSource = (sink: EventSink) => Promise<void>

export interface EventSink {
  event(event: CreditEvent): void
  /** Leaves out everything of this applicant: touched by data that is not to be learned from. */
  exclude(applicantId: string): void
  /** No event of an applicant seen so far will follow: their states are dropped. */
  partitionEnd(): void
}

export interface ReplayOptions {
  readonly featureSet: FeatureSet
  /** What applications read off linked entities; folded in the order of the events when absent. */
  readonly linked?: LinkedHistory
  /** Most labelled rows kept: the newest by event time. */
  readonly rowsMax?: number
  /** Newest applications, labelled or not, that the present population is described by; none when absent. */
  readonly recentMax?: number
  /** Only outcomes final by then (epoch ms) label a row; all of them when absent. */
  readonly maturedBy?: number
  /** Sees every vector as it is made. */
  readonly onVector?: ((application: ApplicationEvent, vector: Float32Array) => void) | undefined
  readonly onProgress?: ((events: number, applications: number) => void) | undefined
}

const PROGRESS_EVERY_EVENTS = 20_000

export class EventReplay implements EventSink {
  readonly #options: ReplayOptions
  readonly #linked: LinkedHistory
  readonly #rowsMax: number
  #states = new Map<string, Uint8Array>()
  #open: ReplayedApplication[] = []
  #labels = new Map<string, number>()
  #excluded = new Set<string>()
  #rows: ReplayedRow[] = []
  readonly #recentMax: number
  #recent: ReplayedApplication[] = []
  #events = 0
  #applications = 0
  #unlabelled = 0
  #excludedRows = 0

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#linked = options.linked ?? new LinkedReplay(options.featureSet)
    this.#rowsMax = options.rowsMax ?? Infinity
    this.#recentMax = options.recentMax ?? 0
  }

  event(event: CreditEvent): void {
    const { featureSet, onVector, onProgress } = this.#options
    if (++this.#events % PROGRESS_EVERY_EVENTS === 0) onProgress?.(this.#events, this.#applications)
    const state = this.#stateOf(event.applicantId)
    if (event.kind === 'application') {
      // Before the application itself is folded, as when it is decided.
      const vector = new Float32Array(featureSet.size)
      featureSet.vector(state, event, vector, 0)
      this.#linked.write(event, vector)
      onVector?.(event, vector)
      this.#applications++
      this.#open.push({ application: event, vector })
    }
    featureSet.fold(state, event)
    if (event.kind === 'subject-request' && event.request === 'erasure') this.#erase(event.applicantId)
    else if (event.kind === 'outcome' && event.observed && event.maturedAt <= (this.#options.maturedBy ?? Infinity)) {
      this.#labels.set(event.applicationId, event.label)
    }
  }

  exclude(applicantId: string): void {
    this.#excluded.add(applicantId)
  }

  partitionEnd(): void {
    for (const row of this.#open) this.#settle(row)
    this.#recent = newest(this.#recent, this.#recentMax)
    this.#open = []
    this.#states = new Map()
    this.#labels = new Map()
    this.#excluded = new Set()
    // Twice the limit before pruning, so that sorting costs little a row.
    if (this.#rows.length > 2 * this.#rowsMax) this.#prune()
  }

  finish(): Replayed {
    this.partitionEnd()
    this.#options.onProgress?.(this.#events, this.#applications)
    if (this.#rows.length > this.#rowsMax) this.#prune()
    return {
      rows: byApplicationId(this.#rows),
      recent: this.#recent,
      events: this.#events,
      unlabelled: this.#unlabelled,
      excluded: this.#excludedRows,
    }
  }

  /** As the live pipeline does: what was known is gone, what comes later counts. */
  #erase(erased: string): void {
    this.#states.delete(erased)
    this.#open = this.#open.filter(({ application }) => application.applicantId !== erased)
  }

  #stateOf(applicantId: string): Uint8Array {
    let state = this.#states.get(applicantId)
    if (state === undefined) this.#states.set(applicantId, (state = this.#options.featureSet.emptyState()))
    return state
  }

  #settle(row: ReplayedApplication): void {
    const label = this.#labels.get(row.application.applicationId)
    if (this.#excluded.has(row.application.applicantId)) {
      this.#excludedRows++
      return
    }
    if (this.#recentMax > 0) this.#recent.push(row)
    if (label === undefined) this.#unlabelled++
    else this.#rows.push({ ...row, label })
  }

  #prune(): void {
    this.#rows = newest(this.#rows, this.#rowsMax)
  }
}
