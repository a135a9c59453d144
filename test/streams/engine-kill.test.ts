import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { verifyChain } from '#streams/verify-chain.ts'
import { closeWorld, decisionsIn, newFolder, openWorld, PARTITIONS } from './support/embedded.ts'
import { seededRandom } from './support/seeded-events.ts'

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
    const run = await runChild(folder, next, kills < KILLS ? 60 + random() * 250 : undefined)
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
  await runChild(calm, 0, undefined)
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

const runChild = (
  folder: string,
  from: number,
  killAfterMs: number | undefined,
): Promise<{ acknowledged: [number, string][]; done: boolean }> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'engine-child.ts'), folder, `${SEED}`, `${EVENTS}`, `${from}`],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let out = ''
    let failed = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (killAfterMs !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    })
    child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal !== 'SIGKILL' && code !== 0) return reject(new Error(`the engine ended by itself (${code}): ${failed}`))
      const lines = out
        .slice(0, out.lastIndexOf('\n'))
        .split('\n')
        .filter((line) => /^\d+ \w+ /.test(line))
      resolve({
        acknowledged: lines.map((line) => [Number(line.split(' ')[0]), line.slice(line.indexOf(' ') + 1)]),
        done: signal !== 'SIGKILL',
      })
    })
  })
