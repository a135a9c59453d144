/**
 * `npm run bench:features [-- --quick] [--json FILE]`: what folding an event and reading a vector cost, how many bytes a state takes, and replay beside
 * DuckDB. CPU time is measured, so that a busy machine flatters nobody; quiet machines give better figures all the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { CompiledFeatureSet } from '#features/compile/compile.ts'
import type { BenchRow } from './bench-row.ts'
import { median } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'
import { duckdbMatrix, writeParquet, type Matrix } from './features/duckdb-peer.ts'
import { sixty, twoHundred } from './features/feature-sets.ts'
import { measureFold } from './features/fold.ts'
import { year } from './features/history.ts'
import { replayMatrix } from './features/replay.ts'
import { replayDemo, type ReplayedDemo } from './features/replay-demo.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
})
if (options.help) {
  process.stdout.write(`Usage: npm run bench:features -- [--quick] [--json FILE]

CPU time of a fold and of a vector, bytes of state and bytes allocated; training replay from Parquet beside the same features in DuckDB's SQL,
and of the demo data on one thread and on all cores.
--quick takes fewer applicants and three runs instead of five; --json writes the rows to FILE as well.
`)
  process.exit(0)
}
const RUNS = options.quick ? 3 : 5
/** At least two, so that their way is measured. */
const WORKERS = Math.max(2, availableParallelism())
const APPLICANTS = options.quick ? 2_000 : 10_000

const alone = (name: string, value: number, unit: string, conditions: string): BenchRow => ({
  name,
  value,
  unit,
  peer: null,
  peerValue: null,
  ratio: null,
  conditions,
})

const foldRows = async (name: string, set: CompiledFeatureSet): Promise<BenchRow[]> => {
  const { foldNanos, vectorNanos, foldBytes, vectorBytes } = await measureFold(set, RUNS)
  const of = `${set.size} features, ${set.stateBytes} bytes of state an applicant; CPU time, 64 applicants with full rings, median of ${RUNS}`
  return [
    alone(`fold.${name}`, foldNanos / 1_000, 'µs/event', of),
    alone(`vector.${name}`, vectorNanos / 1_000, 'µs', of),
    alone(`state.${name}`, set.stateBytes, 'bytes', of),
    alone(`allocated.fold.${name}`, foldBytes, 'bytes/event', `${of}; V8's sampling heap profile, frames of features/`),
    alone(`allocated.vector.${name}`, vectorBytes, 'bytes/vector', `${of}; V8's sampling heap profile, frames of features/`),
  ]
}

/** Both must have computed the same before either is worth a figure. */
const requireSame = (ours: Matrix, theirs: Matrix): void => {
  if (ours.rows !== theirs.rows) throw new Error(`${ours.rows} rows, DuckDB has ${theirs.rows}`)
  for (let i = 0; i < ours.values.length; i++) {
    const [a, b] = [ours.values[i]!, theirs.values[i]!]
    const same = Number.isNaN(a) ? Number.isNaN(b) : Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b)) + 1e-3
    if (!same) throw new Error(`value ${i}: ${a}, DuckDB has ${b}`)
  }
}

/** CPU seconds of this process. */
const cpuSeconds = async (work: () => Promise<Matrix>): Promise<{ readonly seconds: number; readonly matrix: Matrix }> => {
  const before = process.cpuUsage()
  const matrix = await work()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (user + system) / 1e6, matrix }
}

const replayRow = async (): Promise<BenchRow> => {
  const folder = mkdtempSync(join(tmpdir(), 'scorestream-bench-features-'))
  try {
    const file = join(folder, 'events.parquet')
    const set = sixty()
    let count = 0
    const events = function* () {
      for (let i = 0; i < APPLICANTS; i++)
        for (const event of year(i)) {
          count++
          yield event
        }
    }
    await writeParquet(file, events())
    const [ours, theirs]: [number[], number[]] = [[], []]
    for (let run = 0; run < RUNS; run++) {
      const mine = await cpuSeconds(() => replayMatrix(set, file, count))
      const peer = await cpuSeconds(() => duckdbMatrix(set, file))
      requireSame(mine.matrix, peer.matrix)
      ours.push(count / mine.seconds)
      theirs.push(count / peer.seconds)
    }
    const [value, peerValue] = [median(ours), median(theirs)]
    const conditions = `${count} events of ${APPLICANTS} applicants, Parquet (Snappy) to a ${set.size}-column float32 matrix, one thread each, CPU seconds; both results compared value by value; ${RUNS} alternating runs. DuckDB sees one application per applicant, its best case for a point-in-time join`
    return { name: 'replay', value, unit: 'events/s', peer: 'DuckDB SQL', peerValue, ratio: value / peerValue, conditions }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The replay of `scorestream train`, on one thread and on several by turns. */
const demoRows = async (): Promise<BenchRow[]> => {
  const single: ReplayedDemo[] = []
  const together: ReplayedDemo[] = []
  for (let run = 0; run < RUNS; run++) {
    single.push(await replayDemo(1))
    together.push(await replayDemo(WORKERS))
  }
  const sums = new Set([...single, ...together].map(({ sha256 }) => sha256))
  if (sums.size > 1) throw new Error(`one thread and ${WORKERS} gave different rows: ${[...sums].join(', ')}`)
  const rate = (runs: readonly ReplayedDemo[], of: 'cpuSeconds' | 'seconds'): number => median(runs.map((run) => run.events / run[of]))
  const [value, peerValue] = [rate(together, 'seconds'), rate(single, 'seconds')]
  const of = `${single[0]!.events} events of the demo data from their compressed file to labelled credit-v1 matrices; ${RUNS} alternating runs, the same bytes`
  return [
    alone('replay.demo', rate(single, 'cpuSeconds'), 'events/CPU-s', `${of}; one thread`),
    alone('replay.demo.shares', rate(together, 'cpuSeconds'), 'events/CPU-s', `${of}; ${WORKERS} threads, their start included`),
    {
      name: 'replay.demo.elapsed',
      value,
      unit: 'events/s',
      peer: 'one thread',
      peerValue,
      ratio: value / peerValue,
      conditions: `${of}; ${WORKERS} threads, elapsed time, their start included`,
    },
  ]
}

const rows = [
  ...(await foldRows('credit-v1', creditFeatureSet)),
  ...(await foldRows('60', sixty())),
  ...(await foldRows('200', twoHundred())),
  await replayRow(),
  ...(await demoRows()),
]
process.stdout.write(tableOf(rows))
if (options.json !== undefined) writeFileSync(options.json, jsonOf(rows))
