/** What every benchmark is given. */
export interface BenchContext {
  /** Alternating runs of which the median counts. */
  readonly runs: number
  /** Seconds of load of each run. */
  readonly seconds: number
  readonly soakMinutes: number
  readonly quick: boolean
  /** Temporary folder, deleted at the end. */
  readonly scratch: string
  /** Registry that holds the fixed bundle as champion. */
  readonly modelsDir: string
  /** Interpreter with the peers; made when first asked for. */
  readonly python: () => Promise<string>
  /** Progress, on standard error. */
  readonly say: (line: string) => void
}
