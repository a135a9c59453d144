/** Jobs of one measurement: each starts with no state and no decisions, over the events that are in the topic already. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TOPICS } from '#streams/topics.ts'
import type { Job, Member, Party, Side } from './party.ts'
import type { Servers } from './servers.ts'

/** A start that takes longer is none. */
const START_MS_MAX = 90_000
const POLL_MS = 100

let jobs = 0

/** Name space of a side's topics. */
export const prefixOf = (side: Side): string => `${side}.`

/** Runs `work` on a fresh job and removes all of it. */
export const withJob = async <Result>(
  { servers, scratch, party }: { readonly servers: Servers; readonly scratch: string; readonly party: Party },
  work: (job: Job) => Promise<Result>,
): Promise<Result> => {
  const id = `bench-${jobs++}`
  const folder = join(scratch, id)
  const prefix = prefixOf(party.side)
  const written = TOPICS.filter((topic) => topic !== 'credit-events').map((topic) => prefix + topic)
  await servers.dropTopics(written)
  mkdirSync(folder, { recursive: true })
  const job: Job = {
    id,
    folder,
    broker: servers.broker.address,
    topicPrefix: prefix,
    eventsTopic: `${prefix}credit-events`,
    decisionsTopic: `${prefix}decisions`,
  }
  try {
    await party.prepare(job)
    return await work(job)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const until = async (met: () => Promise<boolean>, msMax: number, what: string): Promise<void> => {
  const began = performance.now()
  while (!(await met())) {
    if (performance.now() - began > msMax) throw new Error(`${what}: not so after ${msMax / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Starts `count` members and waits until each has work. */
export const startMembers = async (party: Party, job: Job, count: number): Promise<Member[]> => {
  const members = await Promise.all(Array.from({ length: count }, (_, place) => party.start(job, place)))
  await until(
    async () => (await Promise.all(members.map((member) => member.progress()))).every(({ working }) => working),
    START_MS_MAX,
    `${party.name}: all ${count} at work`,
  )
  return members
}

export const eventsOf = async (members: readonly Member[]): Promise<number> =>
  (await Promise.all(members.map((member) => member.progress()))).reduce((sum, { events }) => sum + events, 0)
