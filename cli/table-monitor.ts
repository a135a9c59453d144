/** Fairness and performance, which need tables: looks from time to time for months that something new fell into, and judges those. */
import { judgeFairness } from '#monitoring/fairness/judge-fairness.ts'
import { judgePerformance } from '#monitoring/performance/judge-performance.ts'
import type { FairnessRow, PerformanceRow } from '#monitoring/rows.ts'
import type { MonitoringSettings } from '#monitoring/settings.ts'
import type { GroupCounts } from '#monitoring/statistics/group-fairness.ts'
import type { NewAlert } from '#monitoring/triggers/alert-book.ts'
import { insertFindings } from '#streams/clickhouse/finding-rows.ts'
import {
  groupCounts,
  type Looked,
  type MonthOfModel,
  monthsChanged,
  NEVER_LOOKED,
  newestOf,
  outcomeBins,
} from '#streams/clickhouse/matured-decisions.ts'
import type { RowWriter, SqlConnection } from '#streams/clickhouse/ports.ts'
import type { Logger } from '#streams/logger.ts'

/** Labels mature in days: seconds of delay cost nothing, scans would. A look waits at least this, and this many times the last one's duration. */
const LOOK_MS = 30_000
const REST_FACTOR = 50
/** Months judged by one query. */
const MONTHS_MAX = 24
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
  readonly connection: SqlConnection
  readonly inserter: RowWriter
  readonly database: string
  readonly settings: MonitoringSettings
  readonly aucAtFit: (modelVersion: string) => number | undefined
  readonly tell: (key: string, alert: NewAlert | undefined, at: number) => void
  /** Log time. */
  readonly at: () => number
  readonly logger: Logger
  readonly now: () => number
}

const keyOf = ({ from, model_version }: { readonly from: number; readonly model_version: string }): string => `${from} ${model_version}`

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
  #waitMs = LOOK_MS
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
        const timer = setTimeout(resolve, this.#waitMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (this.#stopping) return
      const began = this.#options.now()
      await this.look().catch((err: unknown) =>
        this.#options.logger.warn({ err }, 'fairness and performance could not be judged; trying again'),
      )
      this.#waitMs = Math.max(LOOK_MS, REST_FACTOR * (this.#options.now() - began))
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
    const months = await monthsChanged(connection, database, overlapped)
    for (let at = 0; at < months.length && !this.#stopping; at += MONTHS_MAX) {
      const some = months.slice(at, at + MONTHS_MAX)
      await this.#performance(some, told)
      await this.#fairness(some, told)
    }
    if (this.#stopping) return
    for (const [key, { from, alert }] of told) this.#tell(key, from, alert)
    this.#looked = newest
  }

  async #performance(months: readonly MonthOfModel[], told: Map<string, Told>): Promise<void> {
    const { connection, database, inserter, settings, aucAtFit, at } = this.#options
    const bins = Map.groupBy(await outcomeBins(connection, database, months), keyOf)
    const rows: PerformanceRow[] = []
    for (const month of months) {
      const window = { ...month, bins: bins.get(keyOf({ from: month.from, model_version: month.modelVersion })) ?? [] }
      const verdict = judgePerformance(window, aucAtFit(month.modelVersion), at(), settings.performance)
      rows.push(...verdict.rows)
      for (const { key, alert } of verdict.alerts) told.set(key, { from: month.from, alert })
      if (verdict.auc !== undefined) this.#figures = { ...this.#figures, auc: verdict.auc }
    }
    await insertFindings(inserter, 'performance', rows)
  }

  async #fairness(months: readonly MonthOfModel[], told: Map<string, Told>): Promise<void> {
    const { connection, database, inserter, settings, at } = this.#options
    const counts = Map.groupBy(await groupCounts(connection, database, months), keyOf)
    const rows: FairnessRow[] = []
    for (const month of months) {
      const groups = counts.get(keyOf({ from: month.from, model_version: month.modelVersion })) ?? []
      let least = Infinity
      for (const [attribute, some] of Map.groupBy(groups, (row) => row.attribute)) {
        const verdict = judgeFairness({ ...month, attribute, groups: some satisfies readonly GroupCounts[] }, at(), settings.fairness)
        rows.push(...verdict.rows)
        for (const { key, alert } of verdict.alerts) told.set(key, { from: month.from, alert })
        least = Math.min(least, verdict.ratioMin ?? Infinity)
      }
      if (least < Infinity) this.#figures = { ...this.#figures, fairnessRatioMin: least }
    }
    await insertFindings(inserter, 'fairness', rows)
  }

  #tell(key: string, from: number, alert: NewAlert | undefined): void {
    if (from < (this.#newest.get(key) ?? -Infinity)) return
    if (this.#newest.size >= KEYS_MAX) this.#newest.clear()
    this.#newest.set(key, from)
    this.#options.tell(key, alert, this.#options.at())
  }
}
