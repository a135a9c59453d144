/** What the warehouse of a cluster holds: complete up to some place in each partition at any moment, and all of it in the end. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'

const CAUGHT_UP_MS_MAX = 120_000
const WRITER = 0

interface Held {
  readonly partition: number
  /** Rows, and the offset after the last. */
  readonly rows: number
  readonly end: number
}

/** Rows of events by partition. @throws Error where one has a gap: rows may end early, but what is there is all up to there. */
const heldBy = async ({ warehouse }: Cluster): Promise<readonly Held[]> => {
  const sql = 'SELECT partition, toUInt32(uniqExact(offset)) AS rows, toUInt32(max(offset) + 1) AS end FROM events GROUP BY partition'
  const held = (await warehouse?.ask<Held>(sql)) ?? []
  const gap = held.find(({ rows, end }) => rows !== end)
  if (gap !== undefined)
    throw new Error(`the warehouse holds ${gap.rows} of the events below ${gap.end} of partition ${gap.partition}: not in order`)
  return held
}

/** Resolves with the milliseconds until the warehouse holds `events` events; all the while without a gap. */
export const warehouseHolds = async (cluster: Cluster, events: number): Promise<number> => {
  const began = performance.now()
  for (;;) {
    const rows = (await heldBy(cluster)).reduce((sum, held) => sum + held.rows, 0)
    if (rows >= events) return performance.now() - began
    if (performance.now() - began > CAUGHT_UP_MS_MAX)
      throw new Error(`the warehouse holds ${rows} of ${events} events ${CAUGHT_UP_MS_MAX / 1000} s after its return`)
    await sleep(100)
  }
}

/** Resolves once no record waits for the warehouse, where no more come. */
const caughtUp = async (cluster: Cluster): Promise<void> => {
  const began = performance.now()
  while ((await cluster.metric(WRITER, 'scorestream_warehouse_lag_records')) !== 0) {
    if (performance.now() - began > CAUGHT_UP_MS_MAX)
      throw new Error(`records still wait for the warehouse after ${CAUGHT_UP_MS_MAX / 1000} s`)
    await sleep(100)
  }
  await heldBy(cluster)
}

/** Positions that it lacks, and those that it contradicts. */
export const judgeWarehouse = async (
  cluster: Cluster,
  believed: ReadonlyMap<string, string>,
): Promise<{ readonly lost: readonly string[]; readonly conflicting: readonly string[] }> => {
  if (cluster.warehouse === undefined) return { lost: [], conflicting: [] }
  await caughtUp(cluster)
  const rows = await cluster.warehouse.ask<{ at: string; hash: string }>(
    "SELECT concat(toString(partition), '-', toString(offset)) AS at, capsule_hash AS hash FROM decisions_latest",
  )
  const held = new Map(rows.map(({ at, hash }) => [at, hash]))
  const lost = [...believed.keys()].filter((at) => !held.has(at)).map((at) => `the warehouse has no decision ${at}`)
  const conflicting = rows
    .filter(({ at, hash }) => believed.get(at) !== hash)
    .map(({ at, hash }) => `the warehouse says ${hash} at ${at}, the log ${believed.get(at)}`)
  if (held.size !== rows.length) conflicting.push(`the warehouse shows ${rows.length} rows of ${held.size} decisions`)
  return { lost, conflicting }
}
