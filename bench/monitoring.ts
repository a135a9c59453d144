/** `npm run bench:monitoring`: what monitoring costs, how soon it tells, how often it cries wolf; Evidently on the same windows beside it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BenchRow } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'
import { benchPython, MONITORING } from './python-environment.ts'

const HELP = `Usage: npm run bench:monitoring -- [options]

Measures what monitoring costs (its share of the CPU time of an event; the demo with it and without, in turn), the delay of injected shifts in decisions, and false alarms per 100,000
undrifted decisions, with Evidently on the same windows.

Options:
  --json FILE       also write [{name, value, unit, peer, peerValue, ratio, conditions}] to FILE
  --only PART       share (monitoring's part of the CPU time of an event, the verdict), cost (the whole with it and without) or detection alone
  --runs N          recordings of the share and alternating runs of the cost (default 6 and 5; 1 with --quick)
  --quick           shorter streams, one run
  --help            this text

Evidently runs in .venv-bench-monitoring, made the first time; SCORESTREAM_BENCH_MONITORING_PYTHON names an interpreter to use instead.
`

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      only: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const runs = (usual: number): number => Number(values.runs ?? (values.quick ? 1 : usual))
  const { only } = values
  if (!Number.isInteger(runs(1)) || runs(1) < 1 || (only !== undefined && !['share', 'cost', 'detection'].includes(only))) {
    process.stderr.write(HELP)
    return 64
  }
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`)
  const scratch = mkdtempSync(join(tmpdir(), 'scorestream-bench-'))
  const rows: BenchRow[] = []
  try {
    if (only === undefined || only === 'share')
      rows.push(...(await (await import('./monitoring-share.ts')).shareBenches(scratch, runs(6), say)))
    if (only === undefined || only === 'cost')
      rows.push(...(await (await import('./monitoring-cost.ts')).costBenches(scratch, runs(5), say)))
    if (only === undefined || only === 'detection') {
      const python = await benchPython(say, MONITORING)
      rows.push(...(await (await import('./monitoring-detection.ts')).detectionBenches({ quick: values.quick, scratch, python, say })))
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  process.stdout.write(tableOf(rows))
  if (values.json !== undefined) writeFileSync(values.json, jsonOf(rows))
  return 0
}

process.exitCode = await main()
