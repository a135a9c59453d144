/** How a bundle fared against the champion of its day: `gates.json` beside the bundle, outside the bytes that give it its version. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Gate } from '#schemas/monitoring-events.ts'

export interface GateReport {
  /** Bundle it was held against, name@version. */
  readonly against: string
  /** Milliseconds since the epoch. */
  readonly judgedAt: number
  readonly requestId: string | null
  readonly gates: readonly Gate[]
}

const FILE = 'gates.json'

/** Passed: no gate failed. Gates without enough evidence are recorded and do not decide. */
export const failedGates = ({ gates }: Pick<GateReport, 'gates'>): readonly Gate[] => gates.filter(({ state }) => state === 'failed')

/** Replaces the report of the bundle in `directory`. */
export const writeGateReport = (directory: string, report: GateReport): void => {
  const path = join(directory, FILE)
  writeFileSync(`${path}.new`, `${JSON.stringify(report, null, 1)}\n`, { flush: true })
  renameSync(`${path}.new`, path)
}

/** The newest report, or undefined where the bundle was never judged. */
export const readGateReport = (directory: string): GateReport | undefined => {
  const path = join(directory, FILE)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as GateReport) : undefined
}
