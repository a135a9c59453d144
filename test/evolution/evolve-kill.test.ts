import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newFolder } from '../streams/support/embedded.ts'
import { linkedEvents } from '../streams/support/linked-world.ts'
import { auditEvolution } from './audit-evolution.ts'
import { later, openEvolvingWorld, setInForce } from './evolving-world.ts'

const [SEED, EVENTS] = [2029, 2_400]
/** Events of one life at most: all lives together need not come to the end. */
const EVENTS_A_LIFE = 180

interface Life {
  /** Next event to send. */
  readonly next: number
  readonly killed: boolean
}

/** A child that sends `[from, to)` and dies at `moment`, if it comes to it. */
const live = (folder: string, from: number, to: number, moment: string): Promise<Life> =>
  new Promise((resolve, reject) => {
    const args = [join(import.meta.dirname, 'evolve-child.ts'), folder, `${SEED}`, `${EVENTS}`, `${from}`, `${to}`, moment]
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [said, complained] = ['', '']
    child.stdout.on('data', (text: Buffer) => (said += text.toString()))
    child.stderr.on('data', (text: Buffer) => (complained += text.toString()))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0)
        return reject(new Error(`the engine ended by itself (${code}) before ${moment}: ${complained}`))
      const acknowledged = said
        .slice(0, said.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((line) => /^\d+ /.test(line))
      const last = acknowledged.at(-1)
      resolve({ next: last === undefined ? from : Number(last.split(' ')[0]) + 1, killed: signal === 'SIGKILL' })
    })
  })

/** In the order in which a life comes to them, so that each life gets a little further than the one before. */
const MOMENTS = [
  'before-later-applicants',
  'later-applicants',
  'told-linked-entities',
  'later-applicants',
  'later-linked',
  'recorded',
  'cut',
  'before-in-force',
  'in-force',
  'begun-on-later',
  'before-later-applicants',
  'told-linked-entities',
]

it(
  `killed while states are filled, at the cut-over and after it: no decision is lost, doubled or contradicted (seed ${SEED})`,
  { timeout: 120_000, retry: 0 },
  async () => {
    const folder = newFolder()
    let next = 0
    const died: string[] = []
    for (const moment of MOMENTS) {
      const life = await live(folder, next, next + EVENTS_A_LIFE, moment)
      next = life.next
      if (life.killed) died.push(moment)
    }
    // A moment that a life did not come to would prove nothing.
    expect(died).toEqual(MOMENTS)
    expect(setInForce(folder)).toBe(later)
    expect(await live(folder, next, EVENTS, 'never')).toMatchObject({ next: EVENTS, killed: false })

    const world = await openEvolvingWorld(folder)
    await world.engine.start()
    await world.engine.drain()
    const audit = await auditEvolution(world.log, linkedEvents(SEED, EVENTS), 10)
    expect(Math.min(audit.former, audit.later)).toBeGreaterThan(0)
    // In each partition one set decided up to the cut-over, the other from there on.
    const order = audit.decisions.map(({ body }) => `${body.partition} ${body.featureSetHash === later.set.hash}`)
    expect(order.filter((one, i) => one !== order[i - 1])).toHaveLength(new Set(order).size)
    await world.close()
    rmSync(folder, { recursive: true })
  },
)
