/** What an event costs that only moves state: the engine's whole process on a topic without applications, so that nothing of it is scoring. */
import { type BenchRow, median } from '../bench-row.ts'
import type { ClusterContext } from '../cluster.ts'
import { machineLine } from '../machine.ts'
import { engineParty } from './engine-party.ts'
import { prefixOf } from './job.ts'
import { preload } from './load.ts'
import { PARTITIONS, startServers } from './servers.ts'
import { measureThroughput, type Throughput } from './throughput.ts'
import { byTurns } from './world.ts'

/** Microseconds of CPU a behavioural event, asked for. */
const HELD_US = 12

export const overheadRows = async (context: ClusterContext): Promise<readonly BenchRow[]> => {
  const { scratch, laps, seconds, modelsDir, say } = context
  const servers = await startServers()
  try {
    const written = await preload(servers.broker.address, { prefix: prefixOf('ours'), wire: 'avro', laps, behaviouralOnly: true })
    const redis = engineParty(servers, { state: 'redis', modelsDir })
    const embedded = engineParty(servers, { state: 'embedded', modelsDir })
    const results = await byTurns<Throughput>(
      context,
      [redis, embedded],
      (party) => measureThroughput({ servers, scratch, party, preloaded: written.events, seconds }),
      (one) =>
        `${one.partyCpuS.toFixed(1)} µs of CPU a behavioural event, store ${one.storeCpuS.toFixed(1)}, ${one.perSecond.toFixed(0)} events/s`,
    )
    say(`at most ${HELD_US} µs are asked for`)
    return [redis, embedded].map((party) => {
      const of = (what: (one: Throughput) => number): number => median((results.get(party) ?? []).map(what))
      const value = of((one) => one.partyCpuS)
      return {
        name: `overhead.${party === redis ? 'redis' : 'embedded_state'}`,
        value,
        unit: 'µs CPU/event',
        peer: 'held at most',
        peerValue: HELD_US,
        ratio: HELD_US / value,
        conditions:
          `${written.events} preloaded statements and payments of 30,000 applicants at a time, ${(written.bytes / written.events).toFixed(0)} B of Avro, ${PARTITIONS} partitions, no application among them: user and system time of ` +
          `all threads of the engine's process, from the broker's bytes to states committed, collector and compiler included, once warm; store ${of((one) => one.storeCpuS).toFixed(1)} µs, broker ${of((one) => one.brokerCpuS).toFixed(1)}, not counted; ` +
          `${of((one) => one.perSecond).toFixed(0)} events/s; median of ${context.runs}; ${machineLine()}`,
      }
    })
  } finally {
    await servers.end()
  }
}
