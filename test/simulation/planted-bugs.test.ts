/** The simulation is itself tested: within its budget of seeds it must find each bug that is planted. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SEEDS = 250

const BUGS: readonly { readonly bug: string; readonly plant: string; readonly finding: RegExp }[] = [
  { bug: 'decisions of superseded owners are believed', plant: 'epoch-rule-off', finding: /does not follow|believes/ },
  { bug: 'a new owner adopts nothing', plant: 'adoption-off', finding: /two believed contents|does not follow/ },
  { bug: 'an offset is committed before its decision was read back', plant: 'commit-before-read-back', finding: /nothing is believed at/ },
  { bug: 'a commit does not look at the stored offset', plant: 'stored-offset-check-off', finding: /is stored as/ },
  {
    bug: 'states are loaded from a store that stands elsewhere',
    plant: 'load-check-off',
    finding: /is stored as|is decided on|stopped by itself/,
  },
  { bug: 'the offset is stored, then the states', plant: 'states-apart', finding: /is stored as/ },
  {
    bug: 'an offset is committed before what strayed stands elsewhere',
    plant: 'strays-passed',
    finding: /strayed and stands nowhere else/,
  },
  { bug: 'repeats are not recognised', plant: 'dedupe-off', finding: /is stored as|an undisturbed run decides/ },
]

test.for(BUGS)('found within the budget: $bug', { timeout: 120_000, retry: 0 }, ({ plant, finding }) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', join(import.meta.dirname, 'plants/register.ts'), join(import.meta.dirname, 'run.ts'), '--seeds', String(SEEDS)],
    { env: { ...process.env, SCORESTREAM_TEST_PLANT: plant }, encoding: 'utf8', timeout: 100_000 },
  )
  process.stdout.write(`planted ${plant}: ${stdout.split('\n').slice(0, 2).join(' ')}\n`)
  expect(stderr).toBe('')
  expect(status).toBe(1)
  expect(stdout).toMatch(finding)
})
