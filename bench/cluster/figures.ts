/** The figures of `npm run bench:peers`: which parties run by turns, and what the rows say. */
import { type BenchRow, median } from '../bench-row.ts'
import type { ClusterContext, ClusterFigure } from '../cluster.ts'
import { machineLine } from '../machine.ts'
import { APPLICATION_EVERY, EVENTS_PER_S, type Latency, measureLatency, WARM_S } from './latency.ts'
import { overheadRows } from './overhead.ts'
import { type Party, WIRES } from './party.ts'
import { measureRebuild } from './rebuild.ts'
import { EVENTS_PER_S as RECOVERY_EVENTS_PER_S, measureRecovery } from './recovery.ts'
import { HEARTBEAT_MS, PARTITIONS, SESSION_MS, startServers } from './servers.ts'
import { measureThroughput, type Throughput } from './throughput.ts'
import { transactionRows } from './transactions.ts'
import { byTurns, withWorld, type World } from './world.ts'

type Outcome =
  | { readonly kind: 'rows'; readonly rows: readonly BenchRow[] }
  | { readonly kind: 'failed'; readonly name: string; readonly reason: string }

const middle = <Result>(results: readonly Result[] | undefined, of: (result: Result) => number): number => median((results ?? []).map(of))

const rowOf = (
  name: string,
  unit: string,
  higherIsBetter: boolean,
  [value, peerValue]: readonly [number, number],
  peer: string,
  conditions: string,
): BenchRow => ({
  name,
  value,
  unit,
  peer,
  peerValue,
  ratio: higherIsBetter ? value / peerValue : peerValue / value,
  conditions,
})

const NOT_SHOWN = `no replication (one broker), no TLS, no network; warehouse, reconciler and monitoring off, as the peer has none; broker, store and party share the machine; ${machineLine()}`

const wiresOf = ({ bytes }: World): string =>
  `events are ${WIRES.ours} of ${bytes.ours.toFixed(0)} B for ours, ${WIRES.peer} of ${bytes.peer.toFixed(0)} B for the peer`

const throughputRows = (context: ClusterContext): Promise<readonly BenchRow[]> =>
  withWorld(context, context.laps, async (world) => {
    const { servers, parties, preloaded } = world
    const { redis, embedded, eos, atLeastOnce, shap } = parties
    const results = await byTurns<Throughput>(
      context,
      [redis, eos, embedded, atLeastOnce, shap],
      (party) => measureThroughput({ servers, scratch: context.scratch, party, preloaded, seconds: context.seconds }),
      (one) =>
        `${one.perSecond.toFixed(0)} events/s, CPU ${one.partyCpuS.toFixed(1)} + store ${one.storeCpuS.toFixed(1)} + broker ${one.brokerCpuS.toFixed(1)} s a million, over ${one.seconds.toFixed(1)} s; from the start ${one.fromStartCpuS.toFixed(1)} CPU-s a million`,
    )
    const of = (party: Party, what: (one: Throughput) => number): number => middle(results.get(party), what)
    const cpu = (one: Throughput): number => one.partyCpuS + one.storeCpuS
    const pairs = [redis, embedded].flatMap((ours) => [eos, atLeastOnce, shap].map((peer) => [ours, peer] as const))
    return pairs.flatMap(([ours, peer]) => {
      const name = `peers.${ours === redis ? 'redis' : 'embedded_state'}`
      const conditions =
        `one process, one thread, ${PARTITIONS} partitions, ${preloaded} preloaded events, 7.8 % applications of 30,000 applicants at a time, who fit into both sides' caches, 70 features, 300 trees; ours explains every decision; ${wiresOf(world)}; ` +
        `once warm, median of ${context.runs}; broker ${of(ours, (one) => one.brokerCpuS).toFixed(1)} CPU-s a million for ours, ${of(peer, (one) => one.brokerCpuS).toFixed(1)} for the peer, not counted; ` +
        `Redis ${of(ours, (one) => one.storeCpuS).toFixed(1)}, counted; not shown: ${NOT_SHOWN}`
      return [
        rowOf(
          `${name}.throughput`,
          'events/s',
          true,
          [of(ours, (one) => one.perSecond), of(peer, (one) => one.perSecond)],
          peer.name,
          conditions,
        ),
        rowOf(`${name}.cpu`, 'CPU-s/million', false, [of(ours, cpu), of(peer, cpu)], peer.name, conditions),
        rowOf(
          `${name}.cpu_from_start`,
          'CPU-s/million',
          false,
          [of(ours, (one) => one.fromStartCpuS), of(peer, (one) => one.fromStartCpuS)],
          peer.name,
          `the same runs, start and compilation included; depends on how long they last; ${conditions}`,
        ),
      ]
    })
  })

/** ONNX Runtime sums leaves in float32: a probability may differ in the sixth digit. */
const ALIKE_MIN = 0.99

/** Share of decisions both made whose probabilities agree to six digits, and how many there are: the proof that the job is the same. */
const agreement = (ours: Latency, peer: Latency): { readonly share: number; readonly count: number } => {
  const both = Object.keys(ours.probabilities).filter((id) => id in peer.probabilities)
  const same = both.filter((id) => Math.abs((ours.probabilities[id] as number) - (peer.probabilities[id] as number)) < 1e-6)
  return { share: same.length / both.length, count: both.length }
}

const latencyRows = (context: ClusterContext): Promise<readonly BenchRow[]> =>
  withWorld(context, 1, async (world) => {
    const { servers, parties, preloaded } = world
    const { redis, embedded, eos, zeroLinger } = parties
    const results = await byTurns<Latency>(
      context,
      [redis, eos, embedded, zeroLinger],
      (party) => measureLatency({ servers, scratch: context.scratch, party }, context.seconds),
      (one) =>
        `p50 ${one.p50} ms, p99 ${one.p99} ms, most ${one.max} ms, client late ${one.sendLateP99} ms (p99), ${one.cores.toFixed(2)} cores`,
    )
    const of = (party: Party, what: (one: Latency) => number): number => middle(results.get(party), what)
    const first = (party: Party): Latency => results.get(party)?.[0] as Latency
    const alike = agreement(first(redis), first(eos))
    if (alike.share < ALIKE_MIN)
      throw new Error(`only ${(alike.share * 100).toFixed(2)} % of ${alike.count} decisions agree: the peer does another job`)
    context.say(`${(alike.share * 100).toFixed(2)} % of ${alike.count} decisions have the same probability on both sides`)
    return [redis, embedded].flatMap((ours) =>
      [eos, zeroLinger].flatMap((peer) =>
        (['p50', 'p99'] as const).map((at) =>
          rowOf(
            `peers.${ours === redis ? 'redis' : 'embedded_state'}.${at}`,
            'ms',
            false,
            [of(ours, (one) => one[at]), of(peer, (one) => one[at])],
            peer.name,
            `open loop, ${EVENTS_PER_S} events/s, one in ${APPLICATION_EVERY} an application, from the scheduled send to the decision in a consumer that reads committed records; after a lap of ${preloaded} events and ${WARM_S} s; ` +
              `median of ${context.runs} runs of ${context.seconds} s; ${of(ours, (one) => one.cores).toFixed(2)} cores ours, ${of(peer, (one) => one.cores).toFixed(2)} the peer's; client itself late ${of(ours, (one) => one.sendLateP99).toFixed(1)} / ${of(peer, (one) => one.sendLateP99).toFixed(1)} ms (p99), included; ` +
              `${(alike.share * 100).toFixed(2)} % of ${alike.count} decisions have the same probability to 1e-6; ${wiresOf(world)}; not shown: ${NOT_SHOWN}`,
          ),
        ),
      ),
    )
  })

const recoveryRows = (context: ClusterContext): Promise<readonly BenchRow[]> =>
  withWorld(context, 1, async ({ servers, parties: { redis, eos } }) => {
    const rows: BenchRow[] = []
    for (const [how, name, done] of [
      ['kill', 'recovery', 'kill -9'],
      ['end', 'recovery_clean_stop', 'SIGTERM'],
    ] as const) {
      const results = await byTurns<number>(
        context,
        [redis, eos],
        (party) => measureRecovery({ servers, scratch: context.scratch, party }, how),
        (ms) => `served again ${(ms / 1000).toFixed(2)} s after ${done}`,
      )
      rows.push(
        rowOf(
          `peers.redis.${name}`,
          's',
          false,
          [middle(results.get(redis), (ms) => ms / 1000), middle(results.get(eos), (ms) => ms / 1000)],
          eos.name,
          `${done} of one of two processes at ${RECOVERY_EVENTS_PER_S} events/s: the longest that any decision took, over its end; session timeout ${SESSION_MS / 1000} s, heartbeats every ${HEARTBEAT_MS} ms on both sides; ` +
            `median of ${context.runs}, ours ${spread(results.get(redis))}, the peer ${spread(results.get(eos))} s; the peer without standby replicas; not shown: ${NOT_SHOWN}`,
        ),
      )
    }
    return rows
  })

const spread = (results: readonly number[] | undefined): string =>
  (results ?? [])
    .toSorted((a, b) => a - b)
    .map((ms) => (ms / 1000).toFixed(2))
    .join(', ')

/** Processes, by turns; on fewer cores than processes the machine is what is measured, and the row says how much of it was used. */
const SCALE = [1, 2, 4] as const

const scaleRows = (context: ClusterContext): Promise<readonly BenchRow[]> =>
  withWorld(context, context.laps, async ({ servers, parties: { redis }, preloaded }) => {
    const results = new Map(SCALE.map((members) => [members, [] as Throughput[]]))
    for (let run = 1; run <= context.runs; run++)
      for (const members of SCALE) {
        const one = await measureThroughput({
          servers,
          scratch: context.scratch,
          party: redis,
          preloaded,
          seconds: context.seconds,
          members,
        })
        results.get(members)?.push(one)
        context.say(`run ${run}, ${members} processes: ${one.perSecond.toFixed(0)} events/s, ${coresOf(one)}`)
      }
    const single = middle(results.get(1), (one) => one.perSecond)
    return SCALE.map((members) => {
      const value = middle(results.get(members), (one) => one.perSecond)
      return {
        ...rowOf(`scale.processes_${members}`, 'events/s', true, [value, single], 'one process', ''),
        conditions:
          `${members} processes on ${PARTITIONS} partitions, Kafka and Redis, ${preloaded} preloaded events; efficiency ${((value / single / members) * 100).toFixed(0)} %; ` +
          `${coresOf(results.get(members)?.at(-1) as Throughput)} (last run); median of ${context.runs}; not shown: ${NOT_SHOWN}`,
      }
    })
  })

const coresOf = ({ perSecond, partyCpuS, storeCpuS, brokerCpuS }: Throughput): string => {
  const cores = (cpuS: number): string => ((cpuS * perSecond) / 1e6).toFixed(2)
  return `engines ${cores(partyCpuS)}, Redis ${cores(storeCpuS)}, broker ${cores(brokerCpuS)} cores`
}

const rebuildRows = async (context: ClusterContext): Promise<readonly BenchRow[]> => {
  const servers = await startServers()
  try {
    const { applicants } = context
    const { restoreS, checkpointS, checkpointBytes, redisBytes } = await measureRebuild(servers, context.scratch, applicants)
    return [
      {
        name: 'rebuild.restore',
        value: restoreS,
        unit: 's',
        peer: null,
        peerValue: null,
        ratio: null,
        conditions:
          `${applicants} applicants' states put back into an emptied Redis from checkpoints of ${(checkpointBytes / 2 ** 20).toFixed(0)} MiB on local disk, ${PARTITIONS} partitions one after another in one process, ` +
          `${(applicants / restoreS).toFixed(0)} a second; making the checkpoints took ${checkpointS.toFixed(1)} s; Redis then holds ${(redisBytes / 2 ** 20).toFixed(0)} MiB; AOF flushed every second; ` +
          `not shown: folding the log from the checkpoint on (the rate is that of peers.redis.throughput), several processes side by side; ${machineLine()}`,
      },
    ]
  } finally {
    await servers.end()
  }
}

const FIGURES: Readonly<Record<ClusterFigure, (context: ClusterContext) => Promise<readonly BenchRow[]>>> = {
  throughput: throughputRows,
  overhead: overheadRows,
  latency: latencyRows,
  recovery: recoveryRows,
  scale: scaleRows,
  rebuild: rebuildRows,
  transactions: transactionRows,
}

export async function* clusterFigures(context: ClusterContext, names: readonly ClusterFigure[]): AsyncGenerator<Outcome> {
  for (const name of names)
    try {
      yield { kind: 'rows', rows: await FIGURES[name](context) }
    } catch (error) {
      yield { kind: 'failed', name, reason: error instanceof Error ? error.message : String(error) }
    }
}
