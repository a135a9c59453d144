/**
 * The parity meter, running: draws some of the decisions made since the last measurement, has ClickHouse compute their features again from raw
 * events, and keeps what it finds as a row and as figures. It rests far longer than it works.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../logger.ts'
import { clickhouseInstant } from './facts.ts'
import { measureParity, type ParityQuestion, type ParityReport } from './parity.ts'
import type { RowWriter, SqlConnection } from './ports.ts'

/** Measurements that the rate is taken over: a mismatch counts for that many more, so that one clean sample does not hide it. */
const ROUNDS = 20
/** A measurement costs at most a fiftieth of a core. */
const REST_FACTOR = 49

export interface ParityFigures {
  readonly decisions: number
  /** Values compared in the last measurements. */
  readonly values: number
  readonly mismatches: number
  /** mismatches / values; 0 before the first measurement. */
  readonly rate: number
}

export interface ParityMeterOptions {
  /** The set in force, at each measurement anew; undefined where this release does not have it. */
  readonly featureSet: () => ParityQuestion['featureSet'] | undefined
  readonly database: string
  readonly connection: SqlConnection
  readonly inserter: RowWriter
  /** Decisions of one measurement, at most. */
  readonly sample: number
  readonly everyMs: number
  readonly logger: Logger
  readonly now: () => number
}

type Round = Pick<ParityFigures, 'decisions' | 'values' | 'mismatches'>

/** Sums of the newest rounds; the same for whoever asks the table. */
export const latestRounds = (database: string): string =>
  `SELECT sum(r.decisions) AS decisions, sum(r.values) AS values, sum(r.mismatches) AS mismatches
FROM (SELECT decisions, values, mismatches FROM ${database}.parity FINAL ORDER BY measured_at DESC LIMIT ${ROUNDS}) AS r`

const sumOf = (rounds: readonly Round[]): ParityFigures => {
  const sum = { decisions: 0, values: 0, mismatches: 0 }
  for (const round of rounds) {
    sum.decisions += round.decisions
    sum.values += round.values
    sum.mismatches += round.mismatches
  }
  return { ...sum, rate: sum.values === 0 ? 0 : sum.mismatches / sum.values }
}

export class ParityMeter {
  readonly #options: ParityMeterOptions
  #rounds: Round[] = []
  /** Decisions before it have had their chance, wall clock ms. */
  #since = 0
  #restored = false
  readonly #stop = new AbortController()

  constructor(options: ParityMeterOptions) {
    this.#options = options
  }

  figures(): ParityFigures {
    return sumOf(this.#rounds)
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Resolves after {@link stop}. A measurement that fails (memory, a killed query, a server away) is reported and made again later. */
  async run(): Promise<void> {
    const { everyMs, logger, now } = this.#options
    let waitMs = everyMs
    while (!this.#stop.signal.aborted) {
      await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => {})
      if (this.#stop.signal.aborted) return
      const began = now()
      await this.measure().catch((err: unknown) => logger.warn({ err }, 'parity could not be measured; trying again'))
      waitMs = Math.max(everyMs, REST_FACTOR * (now() - began))
    }
  }

  /** One measurement; undefined where nothing was decided since the last. */
  async measure(): Promise<ParityReport | undefined> {
    const { database, connection, sample, now } = this.#options
    const featureSet = this.#options.featureSet()
    if (featureSet === undefined) return undefined
    await this.#restore()
    const measuredAt = now()
    const report = await measureParity({
      featureSet,
      database,
      sample,
      seed: measuredAt,
      since: this.#since,
      rows: (sql) => connection.rows(sql),
    })
    if (report.decisions === 0) return undefined
    await this.#keep(report, measuredAt)
    // Decisions whose events had not arrived yet are drawn again.
    this.#since = measuredAt - this.#options.everyMs
    return report
  }

  async #keep(report: ParityReport, measuredAt: number): Promise<void> {
    const { inserter, logger } = this.#options
    const { featureSetHash, decisions, values, mismatches, mismatchRate, examples } = report
    await inserter.insertObjects('parity', [
      {
        measured_at: clickhouseInstant(measuredAt),
        feature_set_hash: featureSetHash,
        seed: measuredAt,
        decisions,
        values,
        mismatches,
        mismatch_rate: mismatchRate,
        'examples.decision_id': examples.map(({ decisionId }) => decisionId),
        'examples.feature': examples.map(({ feature }) => feature),
        'examples.scored': examples.map(({ scored }) => scored),
        'examples.recomputed': examples.map(({ recomputed }) => recomputed),
      },
    ])
    this.#rounds = [...this.#rounds, { decisions, values, mismatches }].slice(-ROUNDS)
    if (mismatches > 0)
      logger.error(
        { mismatches, values, examples: examples.slice(0, 3) },
        'live features are not what the events say: docs/runbooks/parity.md',
      )
  }

  /** After a restart the figures are those of the table. */
  async #restore(): Promise<void> {
    if (this.#restored) return
    const { connection, database } = this.#options
    const [held] = await connection.rows<Round>(latestRounds(database))
    if (held !== undefined && held.values > 0) this.#rounds = [held]
    this.#restored = true
  }
}
