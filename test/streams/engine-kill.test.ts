import { rmSync } from 'node:fs'
import { expect, it } from 'vitest'
import { verifyChain } from '#streams/verify-chain.ts'
import { closeWorld, decisionsIn, newFolder, openWorld, PARTITIONS } from './support/embedded.ts'
import { seededRandom } from './support/seeded-events.ts'
import { runChild } from './support/run-child.ts'

const SEED = 711
const EVENTS = 6000
const KILLS = 6

it(`killed at random moments, the engine loses nothing acknowledged, decides nothing twice, and every body equals that of an undisturbed run (seed ${SEED})`, async () => {
  const folder = newFolder()
  const calm = newFolder()
  const random = seededRandom(SEED)
  const ledger = new Map<number, string>()
  let next = 0
  let kills = 0
  for (let done = false; !done;) {
    const run = await runChild('engine-child.ts', folder, SEED, EVENTS, next, kills < KILLS ? 60 + random() * 250 : undefined)
    for (const [n, line] of run.acknowledged) {
      // What was acknowledged before a kill may only be acknowledged again as a duplicate of the same position.
      if (ledger.has(n)) expect(line.split(' ')[1]).toBe((ledger.get(n) as string).split(' ')[1])
      ledger.set(n, line)
      next = n
    }
    done = run.done
    kills++
  }
  expect(kills).toBeGreaterThan(3)
  await runChild('engine-child.ts', calm, SEED, EVENTS, 0, undefined)
  const bodies = await Promise.all([folder, calm].map(bodiesOf))
  expect(bodies[0]?.length).toBeGreaterThan(EVENTS / 5)
  expect(bodies[0]).toEqual(bodies[1])
  rmSync(folder, { recursive: true })
  rmSync(calm, { recursive: true })
}, 60_000)

/** Capsule hashes in order, after checking the chain; hashes cover bodies, positions and everything before them. */
const bodiesOf = async (folder: string): Promise<string[]> => {
  const world = openWorld(folder)
  await world.engine.start()
  for (let p = 0; p < PARTITIONS; p++) expect((await verifyChain(world.log, p)).faults).toEqual([])
  const decisions = await decisionsIn(world.log)
  expect(new Set(decisions.map((d) => d.body.applicationId)).size).toBe(decisions.length)
  await closeWorld(world)
  return decisions.map((d) => `${d.body.partition}-${d.body.offset} ${d.capsuleHash}`)
}
