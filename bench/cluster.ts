/** `npm run bench:peers`: the engine on Kafka beside Kafka Streams on the same job, broker and events; scale, recovery, rebuild, transactions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { beginRun, endRun } from '../test/servers/run-folder.ts'
import type { BenchRow } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'
import { machineLine } from './machine.ts'

const NAMES = ['throughput', 'overhead', 'latency', 'recovery', 'scale', 'rebuild', 'transactions'] as const
export type ClusterFigure = (typeof NAMES)[number]

const HELP = `Usage: npm run bench:peers -- [options]

Starts a Kafka broker and a Redis, and measures the engine on them beside Kafka Streams (bench/peers/kafka-streams), by turns.

Options:
  --only NAME,…   these alone: ${NAMES.join(', ')}
  --runs N        alternating runs of which the median counts (default 5; 1 with --quick)
  --seconds N     longest measurement of each, once warm (default 60; 10 with --quick)
  --laps N        laps of 383,103 events in the topic (default 8; 3 with --quick)
  --applicants N  applicants of rebuild (default 1000000; 50000 with --quick)
  --json FILE     also write [{name, value, unit, peer, peerValue, ratio, conditions}] to FILE
  --quick         one short run of each: rough figures in about fifteen minutes
  --help          this text

Needs a Java 17 development kit, Maven and redis-server. Linux: CPU time is read from /proc. The full run takes some two hours and wants a
quiet machine.

Exit codes: 0 all measured, 1 a figure failed (named), 64 usage.
`

export interface ClusterContext {
  readonly runs: number
  readonly seconds: number
  readonly laps: number
  readonly applicants: number
  readonly scratch: string
  /** Registry with the fixed bundle as champion. */
  readonly modelsDir: string
  readonly say: (line: string) => void
}

interface Options extends Omit<ClusterContext, 'scratch' | 'modelsDir' | 'say'> {
  readonly only: readonly ClusterFigure[]
  readonly json: string | undefined
}

class UsageError extends Error {}

const countOf = (name: string, given: string | undefined, absent: number): number => {
  const value = given === undefined ? absent : Number(given)
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} takes a whole number from 1 on, got "${given}"`)
  return value
}

const optionsOf = (argv: readonly string[]): Options | 'help' => {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: text,
      runs: text,
      seconds: text,
      laps: text,
      applicants: text,
      json: text,
      quick: flag,
      help: { ...flag, short: 'h' },
    },
  })
  if (values.help) return 'help'
  const only = values.only?.split(',').map((name) => name.trim()) ?? NAMES
  const unknown = only.filter((name) => !(NAMES as readonly string[]).includes(name))
  if (unknown.length > 0) throw new UsageError(`--only: nothing is called ${unknown.join(', ')}; names are ${NAMES.join(', ')}`)
  const { quick } = values
  return {
    only: only as readonly ClusterFigure[],
    json: values.json,
    runs: countOf('runs', values.runs, quick ? 1 : 5),
    seconds: countOf('seconds', values.seconds, quick ? 10 : 60),
    laps: countOf('laps', values.laps, quick ? 3 : 8),
    applicants: countOf('applicants', values.applicants, quick ? 50_000 : 1_000_000),
  }
}

/** Each whatever becomes of the others; a failure is named and makes the exit code 1. */
const runAll = async ({ only, json, ...options }: Options): Promise<number> => {
  const scratch = mkdtempSync(join(tmpdir(), 'scorestream-peers-'))
  beginRun(join(scratch, 'servers'))
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`)
  const context: ClusterContext = { ...options, scratch, modelsDir: join(scratch, 'models'), say }
  const rows: BenchRow[] = []
  const failures: string[] = []
  try {
    const { publishFixedBundle } = await import('./fixed-bundle.ts')
    publishFixedBundle(join(import.meta.dirname, '../models'), context.modelsDir)
    say(machineLine())
    const { clusterFigures } = await import('./cluster/figures.ts')
    for await (const outcome of clusterFigures(context, only))
      if (outcome.kind === 'rows') rows.push(...outcome.rows)
      else {
        failures.push(`${outcome.name}: ${outcome.reason}`)
        say(`FAILED ${failures.at(-1)}`)
      }
  } finally {
    endRun()
    rmSync(scratch, { recursive: true, force: true })
  }
  process.stdout.write(tableOf(rows))
  if (json !== undefined) writeFileSync(json, jsonOf(rows))
  for (const failure of failures) process.stderr.write(`bench: not measured: ${failure}\n`)
  return failures.length === 0 ? 0 : 1
}

const main = async (argv: readonly string[]): Promise<number> => {
  try {
    const options = optionsOf(argv)
    if (options !== 'help') return await runAll(options)
    process.stdout.write(HELP)
    return 0
  } catch (error) {
    const usage = error instanceof UsageError || (error instanceof TypeError && 'code' in error)
    process.stderr.write(`bench: ${error instanceof Error ? (usage ? error.message : error.stack) : String(error)}\n`)
    return usage ? 64 : 1
  }
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
