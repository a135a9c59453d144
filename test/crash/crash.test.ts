import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { type Audit, audit } from './audit.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { Producer } from './producer.ts'

const KILLS = 20
const CLIENTS = 2_500
const seed = Number(process.env['SCORESTREAM_TEST_SEED'] ?? 20_261_121)

/** mulberry32: a small generator with a seed that a failure can print. */
const randomOf = (start: number): (() => number) => {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const eventsOfSomeClients = () => {
  const stream = demoStream(readFileSync(join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')))
  return [...stream.events()].filter((event) => Number(event.applicantId.slice(3)) <= CLIENTS)
}

/** An engine that was never disturbed, on a copy of the same input log: what every decision should be. */
const undisturbed = async (dataDir: string, folder: string): Promise<Audit> => {
  const reference = join(folder, 'reference')
  mkdirSync(join(reference, 'log'), { recursive: true })
  cpSync(join(dataDir, 'format.json'), join(reference, 'format.json'))
  cpSync(join(dataDir, 'log', 'credit-events'), join(reference, 'log', 'credit-events'), {
    recursive: true,
    filter: (path) => !path.includes('consumers'),
  })
  const engine = await startEngine(reference)
  expect(await engine.end()).toBe(0)
  return await audit(reference, new Map())
}

test(
  `after ${KILLS} kill -9 nothing acknowledged is missing, nothing is decided twice, and every capsule is that of an undisturbed run (seed ${seed})`,
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'scorestream-crash-'))
    const dataDir = join(folder, 'data')
    const random = randomOf(seed)
    const events = eventsOfSomeClients()
    const producer = new Producer(events)
    let finished = false
    const producing = producer.run(25).then(() => (finished = true))
    let engine: EngineProcess | undefined
    try {
      let kills = 0
      while (kills < KILLS) {
        engine = await startEngine(dataDir)
        producer.pointAt(engine.http)
        await sleep(20 + random() * 350)
        expect(finished, 'the producer must outlast the kills: send more events').toBe(false)
        producer.pointAt(undefined)
        await engine.kill()
        kills += 1
      }
      engine = await startEngine(dataDir)
      producer.pointAt(engine.http)
      await producing
      expect(await engine.end()).toBe(0)

      const result = await audit(dataDir, producer.ledger)
      expect(producer.complaints).toEqual([])
      expect(result.findings).toEqual([])
      expect(producer.ledger.size).toBe(events.length)
      expect(result).toMatchObject({ inputs: events.length, applications: CLIENTS, decisions: CLIENTS })
      expect(result.claims).toBeGreaterThan(KILLS)

      const reference = await undisturbed(dataDir, folder)
      expect(reference.findings).toEqual([])
      expect(Object.fromEntries(reference.hashes)).toEqual(Object.fromEntries(result.hashes))
      process.stdout.write(
        `crash: ${kills} kills, ${producer.ledger.size} events acknowledged, ${producer.duplicates} recognised as repeats, ${result.decisions} decisions, ${result.repeated} byte-identical repeats, lost 0, conflicting 0\n`,
      )
    } finally {
      await engine?.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
