import { rmSync, statSync } from 'node:fs'
import { expect, it } from 'vitest'
import { replayDecision } from '#streams/replay.ts'
import { PIPELINE_DEFAULTS } from '#streams/pipeline/settings.ts'
import { verifyChain } from '#streams/verify-chain.ts'
import { decisionsIn, newFolder, PARTITIONS } from './support/embedded.ts'
import {
  closeLinkedWorld,
  linkedDecider,
  linkedEvents,
  linkedNumbers,
  linkedSet,
  openLinkedWorld,
  updatesIn,
} from './support/linked-world.ts'
import { auditDecisions } from './support/linked-audit.ts'
import { seededRandom } from './support/seeded-events.ts'
import { runChild } from './support/run-child.ts'

const SEED = 2027
const EVENTS = 3000
const KILLS = 6

it(
  `killed at random moments, every application is told to what it names, counts once, and never finds itself (seed ${SEED})`,
  { timeout: 120_000 },
  async () => {
    const folder = newFolder()
    const inode = statSync(folder).ino
    const random = seededRandom(SEED)
    let next = 0
    let kills = 0
    for (let done = false; !done;) {
      const run = await runChild('linked-child.ts', folder, SEED, EVENTS, next, kills < KILLS ? 60 + random() * 250 : undefined)
      for (const [n] of run.acknowledged) next = n
      const { ino } = statSync(folder)
      expect(ino, 'the folder was replaced while the test ran').toBe(inode)
      done = run.done
      kills++
    }
    expect(kills).toBeGreaterThan(3)

    const world = openLinkedWorld(folder)
    await world.engine.start()
    await world.engine.drain()
    for (let p = 0; p < PARTITIONS; p++) expect((await verifyChain(world.log, p)).faults).toEqual([])
    const ids = new Set(linkedEvents(SEED, EVENTS).flatMap((event) => (event.kind === 'application' ? [event.applicationId] : [])))
    const decisions = await decisionsIn(world.log)
    expect(new Set(decisions.map(({ body }) => body.applicationId))).toEqual(ids)
    expect(decisions).toHaveLength(ids.size)

    // Told: each application once to everything it names.
    const named = linkedEvents(SEED, EVENTS).flatMap((event) =>
      event.kind === 'application'
        ? [
            event.deviceId && `device:${event.deviceId}`,
            event.employerId && `employer:${event.employerId}`,
            event.addressId && `address:${event.addressId}`,
          ]
            .filter((key) => key !== undefined)
            .map((key) => `${key} ${event.applicationId}`)
        : [],
    )
    const updates = await updatesIn(world.log)
    expect(updates.map(({ key, application }) => `${key} ${application.applicationId}`).toSorted()).toEqual([...new Set(named)].toSorted())

    // Read: what the capsules say is what a naive reader counts.
    expect(await auditDecisions(world.log)).toBeGreaterThan(100)
    const sample = decisions
      .filter(({ body }) => linkedNumbers({ body } as (typeof decisions)[number]).some((value) => value > 0))
      .slice(0, 40)
    const parts = {
      log: world.log,
      featureSet: linkedSet,
      decider: linkedDecider,
      time: PIPELINE_DEFAULTS.time,
      dedupe: PIPELINE_DEFAULTS.dedupe,
    }
    for (const { body } of sample) expect(await replayDecision(`${body.partition}-${body.offset}`, parts)).toMatchObject({ kind: 'same' })
    await closeLinkedWorld(world)
    rmSync(folder, { recursive: true })
  },
)
