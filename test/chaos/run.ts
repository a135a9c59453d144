/**
 * `npm run chaos -- [--times N] [--faults "kill -9,Redis emptied"] [--seed N] [--away-seconds N] [--transactional]`: real Kafka and Redis, two engine processes, an independent
 * producer; each fault N times under load. Prints faults × lost × conflicting × repeated and ends with 1 where anything was lost or conflicts
 * or, with transactions, is repeated.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { CreditEvent } from '#schemas/events.ts'
import { eventsOf } from '../crash/events.ts'
import { randomOf } from '../crash/random.ts'
import { beginRun, endRun } from '../servers/run-folder.ts'
import { Cluster } from './cluster.ts'
import { type Fault, FAULTS } from './faults.ts'
import { IndependentProducer } from './independent-producer.ts'
import { judge } from './judge.ts'
import { judgeWarehouse } from './warehouse-rows.ts'

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    faults: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'away-seconds': { type: 'string', default: '8' },
    transactional: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(`Usage: npm run chaos -- [--times N] [--faults "NAME,NAME"] [--seed N] [--away-seconds N] [--transactional]

Real Kafka and Redis, two engine processes, an independent producer with its own ledger; each fault N times (default 20) under load.
The warehouse, a ClickHouse server in a process of its own, is away N seconds each time (default 8). Recovery: median, 90 %, most.
--transactional: decisions are published in transactions, and none may lie there twice.
Faults: ${FAULTS.map(({ name }) => name).join(', ')}

Exit codes: 0 nothing lost or conflicting (nor repeated, with --transactional), 1 something was, 64 usage.
`)
  process.exit(0)
}
const times = Number(values.times)
const awaySeconds = Number(values['away-seconds'])
const wanted = values.faults?.split(',').map((name) => name.trim())
const unknown = wanted?.filter((name) => !FAULTS.some((fault) => fault.name === name)) ?? []
if (unknown.length > 0 || !Number.isInteger(times) || times < 1 || !(awaySeconds > 0)) {
  process.stderr.write(
    `--times takes a number from 1 on; --away-seconds one above 0; --faults some of: ${FAULTS.map(({ name }) => name).join(', ')}\n`,
  )
  process.exit(64)
}
const faults = FAULTS.filter(({ name }) => wanted?.includes(name) ?? true)
/** Under load before, between and after the faults. */
const CALM_MS = 1_500
const CLIENTS = 20_000
/** The demo's calendar spreads each client over a year; so many at a time, histories and applications come close together. */
const COHORT = 40

const loadOf = (): CreditEvent[] =>
  Object.values(Object.groupBy(eventsOf(CLIENTS), ({ applicantId }) => Math.floor(Number(applicantId.slice(3)) / COHORT))).flatMap(
    (cohort) => cohort ?? [],
  )

const distribution = (milliseconds: readonly number[]): string => {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    ((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number) / 1000).toFixed(1)
  return sorted.length === 0 ? '' : `${at(0.5)}, ${at(0.9)}, ${at(1)} s`
}

/** One cluster, one fault so often, one judgement. */
const suffer = async (fault: Fault, random: () => number): Promise<boolean> => {
  const cluster = await Cluster.start(`broker-${faults.indexOf(fault)}`, {
    withWarehouse: fault.withWarehouse === true,
    transactionalDecisions: values.transactional,
  })
  try {
    await Promise.all([cluster.begin(0), cluster.begin(1)])
    await cluster.whole()
    const producer = new IndependentProducer(cluster.broker.address, loadOf().values(), random)
    const producing = producer.run()
    const recoveries: number[] = []
    for (let n = 0; n < times; n++) {
      await sleep(CALM_MS * (0.5 + random()))
      const recoveryMs = await fault.strike({ cluster, producer, random, awayMs: awaySeconds * 1000 })
      if (recoveryMs !== undefined) recoveries.push(recoveryMs)
    }
    await sleep(CALM_MS)
    producer.stop()
    await producing
    const settledMs = await settled(cluster)
    const found = await judge(cluster.broker.address, cluster.folder, producer.acknowledged)
    const rows = await judgeWarehouse(cluster, found.hashes)
    const lost = [...found.lost, ...rows.lost]
    const conflicting = [...found.conflicting, ...rows.conflicting]
    const figures = [times, found.inputs, found.decided, lost.length, conflicting.length, found.repeated, found.ignored, producer.again]
    process.stdout.write(`| ${fault.name} | ${figures.join(' | ')} | ${distribution(recoveries)} | ${(settledMs / 1000).toFixed(1)} s |\n`)
    for (const finding of [...lost, ...conflicting].slice(0, 10)) process.stdout.write(`  ${finding}\n`)
    return lost.length + conflicting.length + (values.transactional ? found.repeated : 0) === 0
  } catch (failure) {
    process.stdout.write(cluster.lastWords())
    throw failure
  } finally {
    await cluster.end()
  }
}

/** Milliseconds until all partitions are worked on and nothing is left to fold. */
const settled = async (cluster: Cluster): Promise<number> => {
  const started = performance.now()
  await cluster.whole(60_000)
  for (;;) {
    const lags = await Promise.all(
      cluster.engines.map((engine, place) => (engine === undefined ? 0 : cluster.metric(place, 'scorestream_lag_records'))),
    )
    if (lags.every((lag) => lag === 0)) return performance.now() - started
    if (performance.now() - started > 120_000) throw new Error(`after two minutes ${lags.join(' + ')} events are not folded`)
    await sleep(100)
  }
}

beginRun(mkdtempSync(join(tmpdir(), 'scorestream-chaos-run-')))
let sound = true
try {
  process.stdout.write(
    `seed ${values.seed}\n| fault | times | inputs | decided | lost | conflicting | repeated | ignored | sent again | recovery | settled |\n|${'---|'.repeat(11)}\n`,
  )
  const random = randomOf(Number(values.seed))
  for (const fault of faults) sound = (await suffer(fault, random)) && sound
} finally {
  endRun()
}
process.exit(sound ? 0 : 1)
