/**
 * An engine that is on its way from one feature set to another while it takes in a part of a seeded stream, until it dies by its own hand at a
 * named moment or is done: `node evolve-child.ts <folder> <seed> <events> <from> <to> <moment>`.
 */
import { writeSync } from 'node:fs'
import { epochMs } from '#schemas/units.ts'
import { Ingest } from '#streams/ingest.ts'
import type { StateStore } from '#streams/ports.ts'
import { T0 } from '../streams/support/embedded.ts'
import { linkedEvents } from '../streams/support/linked-world.ts'
import { later, openEvolvingWorld } from './evolving-world.ts'

const [folder, seed, total, from, to, moment] = process.argv.slice(2) as [string, string, string, string, string, string]
const [point, times] = moment.split(':') as [string, string | undefined]
let left = Number(times ?? 1)
const passing = (here: string): void => {
  if (here !== point || --left > 0) return
  process.kill(process.pid, 'SIGKILL')
  for (;;); // until the kernel gets to it
}

/** Dies before a commit or after it. */
const mortal = (store: StateStore, name: string): StateStore => ({
  claim: (partition, epoch) => store.claim(partition, epoch),
  load: (partition, keys, at) => store.load(partition, keys, at),
  close: () => store.close(),
  async commit(commits) {
    passing(`before-${name}`)
    await store.commit(commits)
    passing(name)
  },
})

const world = await openEvolvingWorld(folder, {
  passing,
  store: (store, of, set) => mortal(store, `${set === later ? 'later' : 'former'}-${of}`),
  log: (log) => ({
    partitions: (topic) => log.partitions(topic),
    start: (topic) => log.start(topic),
    end: (topic) => log.end(topic),
    read: (topic, partition, offset, bytesMax) => log.read(topic, partition, offset, bytesMax),
    refresh: (topic, partitions) => log.refresh(topic, partitions),
    onAppend: (topic, listener) => log.onAppend(topic, listener),
    release: (topic, consumer, offsets) => log.release(topic, consumer, offsets),
    close: () => log.close(),
    async append(topic, records) {
      const offsets = await log.append(topic, records)
      if (records.length > 0) passing(`told-${topic}`)
      return offsets
    },
  }),
})
const began = world.inForce()
await world.engine.start()
if (began === later) passing('begun-on-later')
const ingest = new Ingest({ engine: world.engine, log: world.log, clock: { now: () => epochMs(T0 + 10_000_000) }, vault: undefined })
const events = linkedEvents(Number(seed), Number(total))
const take = async (first: number, end: number): Promise<void> => {
  for (let n = first; n < end; n++) {
    const [result] = await ingest.ingest([{ event: events[n]!, bytes: Buffer.alloc(0) }])
    if (result?.status !== 'accepted' && result?.status !== 'duplicate')
      throw new Error(`event ${n} was refused: ${JSON.stringify(result)}`)
    writeSync(1, `${n} ${result.status} ${result.position?.partition}-${result.position?.offset}\n`)
  }
}
// Something is there to be filled, whatever this machine's speed; the rest comes in meanwhile.
const middle = Math.floor((Number(from) + Number(to)) / 2)
await take(Number(from), middle)
await Promise.all([take(middle, Number(to)), began === later ? undefined : world.to(later)])
await world.engine.drain()
if (world.failures.length > 0) throw world.failures[0]
writeSync(1, `done ${JSON.stringify(world.certificates.at(-1) ?? null)}\n`)
process.exit(0)
