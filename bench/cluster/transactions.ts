/** What publishing decisions in transactions costs: the same engine with and without, by turns. */
import { type BenchRow, median } from '../bench-row.ts'
import type { ClusterContext } from '../cluster.ts'
import { machineLine } from '../machine.ts'
import { engineParty } from './engine-party.ts'
import { prefixOf } from './job.ts'
import { EVENTS_PER_S, type Latency, measureLatency, WARM_S } from './latency.ts'
import { preload } from './load.ts'
import type { Party } from './party.ts'
import { PARTITIONS, startServers } from './servers.ts'
import { measureThroughput, type Throughput } from './throughput.ts'
import { byTurns } from './world.ts'

export const transactionRows = async (context: ClusterContext): Promise<readonly BenchRow[]> => {
  const { scratch, seconds, modelsDir, runs } = context
  const servers = await startServers()
  try {
    const { events: preloaded } = await preload(servers.broker.address, { prefix: prefixOf('ours'), wire: 'avro', laps: context.laps })
    const plain = engineParty(servers, { state: 'redis', modelsDir })
    const transactional = engineParty(servers, { state: 'redis', modelsDir, transactionalDecisions: true })
    const parties = [transactional, plain]
    const loads = await byTurns<Throughput>(
      context,
      parties,
      (party) => measureThroughput({ servers, scratch, party, preloaded, seconds }),
      (one) => `${one.perSecond.toFixed(0)} events/s, CPU ${one.partyCpuS.toFixed(1)} + broker ${one.brokerCpuS.toFixed(1)} s a million`,
    )
    const waits = await byTurns<Latency>(
      context,
      parties,
      (party) => measureLatency({ servers, scratch, party }, seconds),
      (one) => `p50 ${one.p50} ms, p99 ${one.p99} ms, ${one.cores.toFixed(2)} cores`,
    )
    const load = (party: Party, what: (one: Throughput) => number): number => median((loads.get(party) ?? []).map(what))
    const wait = (party: Party, what: (one: Latency) => number): number => median((waits.get(party) ?? []).map(what))
    const preloadedSaid = `${preloaded} preloaded events, 7.8 % applications, once warm`
    const openLoop = `open loop at ${EVENTS_PER_S} events/s after a lap of ${preloaded} events and ${WARM_S} s, runs of ${seconds} s`
    const row = (name: string, unit: string, [value, peerValue]: readonly [number, number], more: boolean, what: string): BenchRow => ({
      name: `transactions.${name}`,
      value,
      unit,
      peer: 'without transactions',
      peerValue,
      ratio: more ? value / peerValue : peerValue / value,
      conditions: `${what}; ${PARTITIONS} partitions, states in Redis, one broker; median of ${runs} runs by turns; ${machineLine()}`,
    })
    const both = (of: (party: Party) => number): readonly [number, number] => [of(transactional), of(plain)]
    return [
      row(
        'throughput',
        'events/s',
        both((party) => load(party, (one) => one.perSecond)),
        true,
        preloadedSaid,
      ),
      row(
        'cpu',
        'CPU-s/million',
        both((party) => load(party, (one) => one.partyCpuS)),
        false,
        preloadedSaid,
      ),
      row(
        'broker_cpu',
        'CPU-s/million',
        both((party) => load(party, (one) => one.brokerCpuS)),
        false,
        preloadedSaid,
      ),
      row(
        'p50',
        'ms',
        both((party) => wait(party, (one) => one.p50)),
        false,
        openLoop,
      ),
      row(
        'p99',
        'ms',
        both((party) => wait(party, (one) => one.p99)),
        false,
        openLoop,
      ),
    ]
  } finally {
    await servers.end()
  }
}
