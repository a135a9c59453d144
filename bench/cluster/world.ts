/** What all figures of `npm run bench:peers` share: servers, topics with the same events for each side, the parties, and turns. */
import type { ClusterContext } from '../cluster.ts'
import { engineParty } from './engine-party.ts'
import { prefixOf } from './job.ts'
import { preload } from './load.ts'
import { type Party, type Side, WIRES } from './party.ts'
import { peerModel } from './peer-model.ts'
import { type Servers, startServers } from './servers.ts'
import { buildStreamsPeer, streamsParty } from './streams-party.ts'

interface Parties {
  readonly redis: Party
  readonly embedded: Party
  readonly eos: Party
  readonly atLeastOnce: Party
  readonly zeroLinger: Party
  readonly shap: Party
}

export interface World {
  readonly context: ClusterContext
  readonly servers: Servers
  readonly parties: Parties
  /** Events in each party's topic. */
  readonly preloaded: number
  readonly bytes: Readonly<Record<Side, number>>
}

const partiesOf = (context: ClusterContext, servers: Servers): Parties => {
  const { modelsDir, scratch } = context
  const shared = { classPath: buildStreamsPeer(scratch), model: peerModel(modelsDir, scratch) }
  return {
    redis: engineParty(servers, { state: 'redis', modelsDir }),
    embedded: engineParty(servers, { state: 'embedded', modelsDir }),
    eos: streamsParty(servers, { ...shared, guarantee: 'exactly_once_v2', explained: false }),
    atLeastOnce: streamsParty(servers, { ...shared, guarantee: 'at_least_once', explained: false }),
    zeroLinger: streamsParty(servers, { ...shared, guarantee: 'at_least_once', explained: false, zeroLinger: true }),
    shap: streamsParty(servers, { ...shared, guarantee: 'exactly_once_v2', explained: true }),
  }
}

/** Servers of its own, and topics that hold `laps` laps for each side. */
export const withWorld = async <Result>(
  context: ClusterContext,
  laps: number,
  work: (world: World) => Promise<Result>,
): Promise<Result> => {
  const servers = await startServers()
  try {
    const bytes = { ours: 0, peer: 0 }
    let preloaded = 0
    for (const side of ['peer', 'ours'] as const) {
      const wire = WIRES[side]
      const written = await preload(servers.broker.address, { prefix: prefixOf(side), wire, laps })
      context.say(`${side}: ${written.events} events as ${wire}, ${(written.bytes / written.events).toFixed(0)} B each`)
      bytes[side] = written.bytes / written.events
      preloaded = written.events
    }
    return await work({ context, servers, parties: partiesOf(context, servers), preloaded, bytes })
  } finally {
    await servers.end()
  }
}

/** Runs each party once a run, by turns. */
export const byTurns = async <Result>(
  { say, runs }: ClusterContext,
  parties: readonly Party[],
  measure: (party: Party) => Promise<Result>,
  tell: (result: Result) => string,
): Promise<ReadonlyMap<Party, readonly Result[]>> => {
  const results = new Map(parties.map((party) => [party, [] as Result[]]))
  for (let run = 1; run <= runs; run++)
    for (const party of run % 2 === 1 ? parties : parties.toReversed()) {
      const result = await measure(party)
      results.get(party)?.push(result)
      say(`run ${run}, ${party.name}: ${tell(result)}`)
    }
  return results
}
