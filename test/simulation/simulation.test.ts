import { expect, test } from 'vitest'
import { emptyTally, simulate, type Tally } from './simulate.ts'

const SEEDS = 250
const first = Number(process.env['SCORESTREAM_TEST_SEED'] ?? 1)

test(
  `through ${SEEDS} seeded storms (from ${first}) nothing acknowledged is lost, doubled, contradicted, or other than undisturbed`,
  {
    timeout: 240_000,
    retry: 0,
  },
  async () => {
    const total = emptyTally()
    let ran = 0
    for (let seed = first; seed < first + SEEDS; seed++) {
      const { findings, tally } = await simulate(seed)
      expect(findings, `npm run simulate -- --seed ${seed}`).toEqual([])
      for (const name of Object.keys(total) as (keyof Tally)[]) total[name] += tally[name]
      ran++
    }
    process.stdout.write(`simulation: ${ran} seeds from ${first}: ${JSON.stringify(total)}\n`)
    expect(ran).toBe(SEEDS)
    // Otherwise the storms missed what they are for.
    const { crashes, stalls, ends, rebalances, fallbacks, timeouts, adopted, losses, repeats, ignored, repeatedInputs, strays, decisions } =
      total
    for (const [name, count] of Object.entries({
      crashes,
      stalls,
      ends,
      rebalances,
      fallbacks,
      timeouts,
      adopted,
      losses,
      repeats,
      ignored,
      repeatedInputs,
      strays,
      decisions,
    }))
      expect(count, name).toBeGreaterThan(SEEDS / 10)
  },
)

test('the same seed gives the same run, step by step', async () => {
  const traced = async (): Promise<readonly string[]> => {
    const lines: string[] = []
    await simulate(first, { trace: (line) => lines.push(line) })
    return lines
  }
  expect(await traced()).toEqual(await traced())
})
