/**
 * `npm run simulate -- [--seed N] [--seeds K] [--trace]`: runs K seeded simulations from N on; a single one is traced. Ends with 1 at the
 * first finding, naming the seed that shows it again.
 */
import { parseArgs } from 'node:util'
import { emptyTally, simulate, type Tally } from './simulate.ts'
import type { StoreBugs } from './shared-state.ts'

const BUGS: Readonly<Record<string, StoreBugs>> = {
  'stored-offset-check-off': { ignoresStoredOffset: true },
  'load-check-off': { ignoresOwnerAtLoad: true },
  'states-apart': { statesApart: true },
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(`Usage: npm run simulate -- [--seed N] [--seeds K] [--trace]

The real pipeline in virtual time, over a log, a store and an ownership that delay, repeat, time out, fall back, crash and change hands: K seeds
from N on (default: seed 1 alone, which is traced).

Exit codes: 0 nothing found, 1 a finding, with the seed that shows it again, 64 usage.
`)
  process.exit(0)
}
const first = Number(values.seed)
const seeds = Number(values.seeds)
if (!Number.isInteger(first) || !Number.isInteger(seeds) || seeds < 1) {
  process.stderr.write(`--seed ${values.seed} --seeds ${values.seeds}: both must be integers, and at least one seed is run\n`)
  process.exit(64)
}
const bugs = BUGS[process.env['SCORESTREAM_TEST_PLANT'] ?? ''] ?? {}
const trace = values.trace || seeds === 1 ? (line: string) => void process.stdout.write(`${line}\n`) : undefined
const total = emptyTally()
const started = performance.now()
for (let seed = first; seed < first + seeds; seed++) {
  const { findings, tally } = await simulate(seed, trace === undefined ? { bugs } : { bugs, trace })
  for (const name of Object.keys(total) as (keyof Tally)[]) total[name] += tally[name]
  if (findings.length === 0) continue
  process.stdout.write(`seed ${seed}:\n${findings.map((finding) => `  ${finding}\n`).join('')}again: npm run simulate -- --seed ${seed}\n`)
  process.exit(1)
}
process.stdout.write(
  `${seeds} seeds from ${first} in ${((performance.now() - started) / 1000).toFixed(1)} s, nothing found: ${JSON.stringify(total)}\n`,
)
