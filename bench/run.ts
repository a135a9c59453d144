/** `npm run bench`: every figure beside its peer in the same run, as a table and as JSON. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BenchContext } from './bench-context.ts'
import type { BenchRow } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'
import { machineLine } from './machine.ts'

interface Bench {
  readonly names: readonly string[]
  run(context: BenchContext, names: readonly string[]): Promise<readonly BenchRow[]>
}

/** Loaded on demand: `--help` opens no engine and no library. */
const BENCHES: readonly Bench[] = [
  {
    names: ['tree.batch1', 'tree.batch256', 'shap.path_dependent', 'shap.interventional_100', 'shap.interventional_1000'],
    run: async ({ python, runs }) => (await import('./kernels.ts')).kernelBenches({ python: await python(), runs }),
  },
  {
    names: ['engine.behavioural_events', 'engine.applications', 'engine.behavioural_events.power_loss', 'engine.applications.power_loss'],
    run: async (context, names) => {
      const modes = (['behavioural', 'applications'] as const).filter((mode) => names.some((name) => name.startsWith(`engine.${mode}`)))
      return (await import('./throughput.ts')).throughputBenches(context, modes)
    },
  },
  { names: ['latency.p50', 'latency.p99', 'latency.p999'], run: async (context) => (await import('./latency.ts')).latencyBenches(context) },
  { names: ['memory.rss'], run: async (context) => (await import('./memory.ts')).memoryBench(context) },
  {
    names: ['redis.state', 'redis.bytes_per_applicant'],
    run: async (context) => (await import('./redis-state.ts')).redisStateBench(context),
  },
  {
    names: ['outlier.forest', 'outlier.forest.batch', 'outlier.factor', 'outlier.factor.batch'],
    run: async (context) => (await import('./outliers.ts')).outlierBenches(context),
  },
  { names: ['model.auc'], run: async (context) => (await import('./model-quality.ts')).modelBench(context) },
]
const NAMES = BENCHES.flatMap(({ names }) => names)

// As the command line does: ONNX Runtime is a peer here, and reports to nobody.
process.env['ORT_DISABLE_TELEMETRY'] = '1'

const RUNS = 5
const SECONDS = 60
const SECONDS_QUICK = 10
const SOAK_MINUTES = 10

const HELP = `Usage: npm run bench -- [options]

Measures kernels, engine, latency, memory and model, each beside its peer in the same run where there is one.

Options:
  --json FILE       also write [{name, value, unit, peer, peerValue, ratio, conditions}] to FILE
  --only NAME,…     these figures alone (those measured together come together)
  --quick           one run of ${SECONDS_QUICK} s each, no soak: rough figures in about five minutes
  --seconds N       seconds of load of each run (default ${SECONDS}; ${SECONDS_QUICK} with --quick)
  --runs N          alternating runs of which the median counts (default ${RUNS}; 1 with --quick)
  --soak MINUTES    soak behind memory.rss (default ${SOAK_MINUTES}; 0 with --quick)
  --help            this text

Names: ${NAMES.join(', ')}

The full run takes about an hour and wants a quiet machine. Peers run in .venv-bench, made from bench/peers/requirements.txt the first time;
SCORESTREAM_BENCH_PYTHON names an interpreter to use instead. Linux: memory and CPU time are read from /proc.

Exit codes: 0 all measured, 1 a figure or a peer failed (named), 64 usage.
`

interface Options {
  readonly json: string | undefined
  readonly only: readonly string[]
  readonly quick: boolean
  readonly seconds: number
  readonly runs: number
  readonly soakMinutes: number
}

class UsageError extends Error {}

const positive = (name: string, given: string | undefined, absent: number, least: number): number => {
  const value = given === undefined ? absent : Number(given)
  if (!Number.isFinite(value) || value < least) throw new UsageError(`--${name} takes a number of at least ${least}, got "${given}"`)
  return value
}

const optionsOf = (argv: readonly string[]): Options | 'help' => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      runs: { type: 'string' },
      soak: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const only = values.only === undefined ? NAMES : values.only.split(',').map((name) => name.trim())
  const unknown = only.filter((name) => !NAMES.includes(name))
  if (unknown.length > 0) throw new UsageError(`--only: no figure is called ${unknown.join(', ')}; names are ${NAMES.join(', ')}`)
  return {
    json: values.json,
    only,
    quick: values.quick,
    seconds: positive('seconds', values.seconds, values.quick ? SECONDS_QUICK : SECONDS, 2),
    runs: Math.floor(positive('runs', values.runs, values.quick ? 1 : RUNS, 1)),
    soakMinutes: positive('soak', values.soak, values.quick ? 0 : SOAK_MINUTES, 0),
  }
}

const contextOf = (options: Options, scratch: string): BenchContext => {
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`)
  let python: Promise<string> | undefined
  return {
    ...options,
    scratch,
    say,
    modelsDir: join(scratch, 'models'),
    python: () => (python ??= import('./python-environment.ts').then(({ benchPython }) => benchPython(say))),
  }
}

/** Runs what was asked for, each whatever the others do; a failure is named and makes the exit code 1. */
const runAll = async (options: Options): Promise<number> => {
  const scratch = mkdtempSync(join(tmpdir(), 'scorestream-bench-'))
  const rows: BenchRow[] = []
  const failures: string[] = []
  try {
    const context = contextOf(options, scratch)
    const { publishFixedBundle } = await import('./fixed-bundle.ts')
    publishFixedBundle(join(import.meta.dirname, '../models'), context.modelsDir)
    context.say(machineLine())
    for (const bench of BENCHES) {
      const names = bench.names.filter((name) => options.only.includes(name))
      if (names.length === 0) continue
      try {
        rows.push(...(await bench.run(context, names)).filter(({ name }) => options.only.includes(name)))
      } catch (error) {
        failures.push(`${names.join(', ')}: ${error instanceof Error ? error.message : String(error)}`)
        context.say(`FAILED ${failures.at(-1)}`)
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  process.stdout.write(tableOf(rows))
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(rows))
  for (const failure of failures) process.stderr.write(`bench: not measured: ${failure}\n`)
  return failures.length === 0 ? 0 : 1
}

const main = async (argv: readonly string[]): Promise<number> => {
  try {
    const options = optionsOf(argv)
    if (options === 'help') {
      process.stdout.write(HELP)
      return 0
    }
    return await runAll(options)
  } catch (error) {
    const usage = error instanceof UsageError || (error instanceof TypeError && 'code' in error)
    process.stderr.write(`bench: ${error instanceof Error ? (usage ? error.message : error.stack) : String(error)}\n`)
    return usage ? 64 : 1
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
