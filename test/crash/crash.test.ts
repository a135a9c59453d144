import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { audit } from './audit.ts'
import { type LaunchedEngine, launchEngine, startEngine } from './engine-process.ts'
import { eventsOf } from './events.ts'
import { Producer } from './producer.ts'
import { randomOf } from './random.ts'
import { contradictions, undisturbed } from './undisturbed.ts'

const KILLS = 20
/** Of these, so many fall into the takeover: while a new engine claims, refolds and adopts. */
const KILLS_IN_TAKEOVER = 6
const CLIENTS = 6_000
const LOAD = { lanes: 6, lines: 250 }
const seed = Number(process.env['SCORESTREAM_TEST_SEED'] || 20_261_121)

const adoptedBy = async (http: string): Promise<number> =>
  Number(/^scorestream_adopted_total (\d+)$/m.exec(await (await fetch(`${http}/metrics`)).text())?.[1] ?? Number.NaN)

const bytesIn = (folder: string): number => readdirSync(folder).reduce((sum, name) => sum + (statSync(join(folder, name)).size || 0), 0)

/** Returns once the engine has written its first claim, or has ended. */
const claiming = async (dataDir: string, engine: LaunchedEngine): Promise<void> => {
  const folder = join(dataDir, 'log', 'decisions')
  const before = bytesIn(folder)
  while (engine.child.exitCode === null && bytesIn(folder) === before) await sleep(1)
}

test(
  `after ${KILLS} kill -9 nothing acknowledged is missing, nothing is decided twice, and every capsule is that of an undisturbed run (seed ${seed})`,
  { timeout: 240_000, retry: 0 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'scorestream-crash-'))
    const dataDir = join(folder, 'data')
    const random = randomOf(seed)
    const events = eventsOf(CLIENTS)
    const producer = new Producer(events, LOAD)
    /** A kill falls where so many more events were acknowledged, so that a fast machine is under load just as well. */
    const share = events.length / (KILLS - KILLS_IN_TAKEOVER + 1)
    const producing = producer.run()
    let engine: LaunchedEngine | undefined
    let [underLoad, inTakeover, adopted] = [0, 0, 0]
    try {
      while (underLoad + inTakeover < KILLS) {
        engine = launchEngine(dataDir)
        if (underLoad > inTakeover && inTakeover < KILLS_IN_TAKEOVER) {
          await claiming(dataDir, engine)
          await sleep(random() * 80)
          await engine.kill()
          inTakeover += 1
          continue
        }
        const http = await engine.ready
        adopted += await adoptedBy(http)
        const until = producer.ledger.size + share * (0.1 + 0.6 * random())
        producer.pointAt(http)
        while (producer.ledger.size < until) await sleep(1)
        await sleep(random() * 12)
        const unacknowledged = producer.ledger.size < events.length
        await engine.kill()
        producer.pointAt(undefined)
        expect(unacknowledged, 'the load must outlast the kills').toBe(true)
        underLoad += 1
      }
      engine = await startEngine(dataDir)
      const http = await engine.ready
      adopted += await adoptedBy(http)
      producer.pointAt(http)
      await producing
      expect(await engine.end()).toBe(0)

      const result = await audit(dataDir, producer.ledger)
      expect(producer.complaints).toEqual([])
      expect(result.findings).toEqual([])
      expect(producer.ledger.size).toBe(events.length)
      expect(result).toMatchObject({ inputs: events.length, applications: CLIENTS, decisions: CLIENTS })
      expect(result.claims).toBeGreaterThan(KILLS)
      expect(contradictions(result, await undisturbed(dataDir, join(folder, 'reference')))).toEqual([])
      process.stdout.write(
        `crash (seed ${seed}): ${underLoad} kills under load and ${inTakeover} in takeover; ${producer.ledger.size} events acknowledged, ` +
          `${producer.duplicates} repeats recognised; ${result.decisions} decisions, ${adopted} adopted, ${result.repeated} byte-identical repeats; lost 0, conflicting 0\n`,
      )
      // Otherwise the kills missed the windows they are for.
      expect(producer.duplicates).toBeGreaterThan(0)
      expect(adopted).toBeGreaterThan(0)
    } finally {
      producer.stop()
      await engine?.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
