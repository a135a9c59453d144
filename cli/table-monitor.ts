/** Fairness and performance, which need tables: looks from time to time for months that something new fell into, and judges those. */
import { judgeFairness } from '#monitoring/fairness/judge-fairness.ts'
import { judgePerformance } from '#monitoring/performance/judge-performance.ts'
import type { MonitoringSettings } from '#monitoring/settings.ts'
import type { GroupCounts } from '#monitoring/statistics/group-fairness.ts'
import type { NewAlert } from '#monitoring/triggers/alert-book.ts'
import type { ChdbConnection } from '#streams/clickhouse/chdb-engine.ts'
import { insertFindings } from '#streams/clickhouse/finding-rows.ts'
import {
  groupCounts,
  type GroupRow,
  type Looked,
  type MonthOfModel,
  monthsChanged,
  NEVER_LOOKED,
  newestOf,
  outcomeBins,
} from '#streams/clickhouse/matured-decisions.ts'
import type { RowInserter } from '#streams/clickhouse/row-inserter.ts'
import type { Logger } from '#streams/logger.ts'

/** Labels mature in days: seconds of delay cost nothing, scans would. */
const LOOK_MS = 15_000
/** Rows inserted a moment before a look may become visible after it. */
const OVERLAP_MS = 10_000
/** Alerts whose newest month is remembered. */
const KEYS_MAX = 10_000

export interface TableFigures {
  /** AUC of the newest month that has one; NaN before. */
  readonly auc: number
  /** Smallest ratio of approval rates between groups in the newest month with evidence; NaN before. */
  readonly fairnessRatioMin: number
}

export interface TableMonitorOptions {
  readonly connection: ChdbConnection
  readonly inserter: RowInserter
  readonly database: string
  readonly settings: MonitoringSettings
  readonly aucAtFit: (modelVersion: string) => number | undefined
  readonly tell: (key: string, alert: NewAlert | undefined, at: number) => void
  /** Log time. */
  readonly at: () => number
  readonly logger: Logger
}

interface Told {
  readonly from: number
  readonly alert: NewAlert | undefined
}

export class TableMonitor {
  readonly #options: TableMonitorOptions
  /** Beginning of the newest month told of, per alert: older months never reopen what a newer one ended. */
  readonly #newest = new Map<string, number>()
  #looked: Looked = NEVER_LOOKED
  #figures: TableFigures = { auc: Number.NaN, fairnessRatioMin: Number.NaN }
  #stopping = false
  #wake: () => void = () => {}

  constructor(options: TableMonitorOptions) {
    this.#options = options
  }

  get figures(): TableFigures {
    return this.#figures
  }

  stop(): void {
    this.#stopping = true
    this.#wake()
  }

  /** Resolves after {@link stop}. A look that fails (memory, a killed query) is reported and made again at the next. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (this.#stopping) return
      await this.look().catch((err: unknown) =>
        this.#options.logger.warn({ err }, 'fairness and performance could not be judged; trying again'),
      )
    }
  }

  /** Judges every month that changed since the last look. */
  async look(): Promise<void> {
    const { connection, database } = this.#options
    const newest = await newestOf(connection, database)
    const since = this.#looked
    if (newest.decisions === since.decisions && newest.outcomes === since.outcomes && newest.attributes === since.attributes) return
    const overlapped = {
      decisions: since.decisions - OVERLAP_MS,
      outcomes: since.outcomes - OVERLAP_MS,
      attributes: since.attributes - OVERLAP_MS,
    }
    const told = new Map<string, Told>()
    for (const month of await monthsChanged(connection, database, overlapped)) {
      await this.#performance(month, told)
      await this.#fairness(month, told)
      if (this.#stopping) return
    }
    for (const [key, { from, alert }] of told) this.#tell(key, from, alert)
    this.#looked = newest
  }

  async #performance(month: MonthOfModel, told: Map<string, Told>): Promise<void> {
    const { connection, database, inserter, settings, aucAtFit, at } = this.#options
    const bins = await outcomeBins(connection, database, month)
    const verdict = judgePerformance({ ...month, bins }, aucAtFit(month.modelVersion), at(), settings.performance)
    await insertFindings(inserter, 'performance', verdict.rows)
    for (const { key, alert } of verdict.alerts) told.set(key, { from: month.from, alert })
    if (verdict.auc !== undefined) this.#figures = { ...this.#figures, auc: verdict.auc }
  }

  async #fairness(month: MonthOfModel, told: Map<string, Told>): Promise<void> {
    const { connection, database, inserter, settings, at } = this.#options
    const byAttribute = Map.groupBy(await groupCounts(connection, database, month), ({ attribute }: GroupRow) => attribute)
    let least = Infinity
    for (const [attribute, groups] of byAttribute) {
      const verdict = judgeFairness({ ...month, attribute, groups: groups satisfies readonly GroupCounts[] }, at(), settings.fairness)
      await insertFindings(inserter, 'fairness', verdict.rows)
      for (const { key, alert } of verdict.alerts) told.set(key, { from: month.from, alert })
      least = Math.min(least, verdict.ratioMin ?? Infinity)
    }
    if (least < Infinity) this.#figures = { ...this.#figures, fairnessRatioMin: least }
  }

  #tell(key: string, from: number, alert: NewAlert | undefined): void {
    if (from < (this.#newest.get(key) ?? -Infinity)) return
    if (this.#newest.size >= KEYS_MAX) this.#newest.clear()
    this.#newest.set(key, from)
    this.#options.tell(key, alert, this.#options.at())
  }
}
