/** A preloaded topic, worked off as fast as it goes: events a second and CPU seconds a million events, once the code is warm. */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventsOf, startMembers, withJob } from './job.ts'
import type { Party } from './party.ts'
import type { Servers } from './servers.ts'

/** Code is compiled and caches are full after so many events, or after so long where a party is slow. */
const WARM_EVENTS = 400_000
const WARM_S_MAX = 20
/** Of the preloaded events, where the measurement ends at the latest: the end of a topic is not full speed. */
const USED_SHARE = 0.97
const POLL_MS = 250
/** A party that does nothing for so long is broken. */
const STILL_S_MAX = 60

export interface Throughput {
  readonly perSecond: number
  /** CPU seconds a million events: the party with its store, the broker. */
  readonly partyCpuS: number
  readonly storeCpuS: number
  readonly brokerCpuS: number
  readonly seconds: number
  /** CPU seconds a million events of the party with its store, start and compilation included. */
  readonly fromStartCpuS: number
}

interface Sample {
  readonly atMs: number
  readonly events: number
  readonly partyCpuS: number
  readonly storeCpuS: number
  readonly brokerCpuS: number
}

export interface ThroughputRequest {
  readonly servers: Servers
  readonly scratch: string
  readonly party: Party
  /** Events in the topic. */
  readonly preloaded: number
  /** Longest measurement, after warming up. */
  readonly seconds: number
  readonly members?: number
}

export const measureThroughput = ({ servers, scratch, party, preloaded, seconds, members = 1 }: ThroughputRequest): Promise<Throughput> =>
  withJob({ servers, scratch, party }, async (job) => {
    const storeBefore = await party.storeCpuS()
    const running = await startMembers(party, job, members)
    const sample = async (): Promise<Sample> => ({
      events: await eventsOf(running),
      atMs: performance.now(),
      partyCpuS: running.reduce((sum, member) => sum + member.cpuS(), 0),
      storeCpuS: await party.storeCpuS(),
      brokerCpuS: servers.brokerCpuS(),
    })
    const reach = async (met: (now: Sample, first: Sample) => boolean): Promise<Sample> => {
      const first = await sample()
      let moved = first
      for (;;) {
        const now = await sample()
        if (met(now, first)) return now
        if (now.events > moved.events) moved = now
        else if (now.atMs - moved.atMs > STILL_S_MAX * 1000) throw new Error(`${party.name} stands at ${now.events} events`)
        await sleep(POLL_MS)
      }
    }
    try {
      const warmEvents = Math.min(WARM_EVENTS, preloaded / 3)
      const from = await reach((now, first) => now.events >= warmEvents || (now.events > 0 && now.atMs - first.atMs > WARM_S_MAX * 1000))
      const to = await reach((now) => now.events >= preloaded * USED_SHARE || now.atMs - from.atMs > seconds * 1000)
      const millions = (to.events - from.events) / 1e6
      return {
        perSecond: ((to.events - from.events) / (to.atMs - from.atMs)) * 1000,
        partyCpuS: (to.partyCpuS - from.partyCpuS) / millions,
        storeCpuS: (to.storeCpuS - from.storeCpuS) / millions,
        brokerCpuS: (to.brokerCpuS - from.brokerCpuS) / millions,
        seconds: (to.atMs - from.atMs) / 1000,
        fromStartCpuS: ((to.partyCpuS + to.storeCpuS - storeBefore) / to.events) * 1e6,
      }
    } finally {
      await Promise.all(running.map((member) => member.kill()))
    }
  })
