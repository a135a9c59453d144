/** An embedded engine with linked entities that ingests a seeded stream from wherever it stands, until it is killed or done. */
import { writeSync } from 'node:fs'
import { epochMs } from '#schemas/units.ts'
import { Ingest } from '#streams/ingest.ts'
import { T0 } from './support/embedded.ts'
import { linkedEvents, openLinkedWorld } from './support/linked-world.ts'

const [folder, seed, total, from] = process.argv.slice(2) as [string, string, string, string]
const now = () => T0 + 10_000_000
const world = openLinkedWorld(folder, {
  now,
  parts: {
    settings: { commitAfterMs: 3, dirtyEntitiesMax: 40 },
    onStopped: (failure) => {
      console.error(failure)
      process.exit(3)
    },
  },
})
await world.engine.start()
const ingest = new Ingest({ engine: world.engine, log: world.log, clock: { now: () => epochMs(now()) }, vault: undefined })
const events = linkedEvents(Number(seed), Number(total))
for (let n = Number(from); n < events.length; n++) {
  const event = events[n] as (typeof events)[number]
  const [result] = await ingest.ingest([{ event, bytes: Buffer.alloc(0) }])
  // Nothing of this stream may be refused: a refusal taken for an acknowledgement would look like a loss.
  if (result?.status !== 'accepted' && result?.status !== 'duplicate') {
    console.error(`event ${n} was refused`, result)
    process.exit(4)
  }
  writeSync(1, `${n} ${result.status} ${result.position?.partition}-${result.position?.offset}\n`)
}
await world.engine.drain()
writeSync(1, 'done\n')
process.exit(0)
