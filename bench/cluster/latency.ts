/** Events at a steady rate on top of a lap that has been worked off: scheduled send → decision read. */
import { forked } from '../forked.ts'
import { eventsOf, startMembers, until, withJob } from './job.ts'
import type { OpenLoopRequest, OpenLoopResult } from './open-loop.ts'
import { type Job, type Member, type Party, WIRES } from './party.ts'
import { PARTITIONS, type Servers } from './servers.ts'

export const EVENTS_PER_S = 2_000
export const APPLICATION_EVERY = 10
export const WARM_S = 20
const DRAIN_S = 10
const CATCH_UP_MS_MAX = 300_000

export interface OpenLoopJob {
  readonly servers: Servers
  readonly scratch: string
  readonly party: Party
  readonly members: number
}

/** Starts the party on what is in the topic, waits until that is done, and runs `work` beside the client. */
export const withOpenLoop = <Result>(
  { servers, scratch, party, members }: OpenLoopJob,
  work: (job: Job, running: Member[], client: (load: Load) => Promise<OpenLoopResult>) => Promise<Result>,
): Promise<Result> =>
  withJob({ servers, scratch, party }, async (job) => {
    const running = await startMembers(party, job, members)
    const client = forked('cluster/open-loop.ts')
    const drive = (load: Load): Promise<OpenLoopResult> =>
      client.ask<OpenLoopResult>({
        broker: job.broker,
        topicPrefix: job.topicPrefix,
        wire: WIRES[party.side],
        run: job.id,
        partitions: PARTITIONS,
        drainSeconds: DRAIN_S,
        applicationEvery: APPLICATION_EVERY,
        ...load,
      } satisfies OpenLoopRequest)
    try {
      const behind = await servers.recordsIn(job.eventsTopic)
      await until(async () => (await eventsOf(running)) >= behind, CATCH_UP_MS_MAX, `${party.name}: ${behind} events worked off`)
      return await work(job, running, drive)
    } finally {
      client.close()
      await Promise.all(running.map((member) => member.kill()))
    }
  })

export type Load = Pick<OpenLoopRequest, 'eventsPerSecond' | 'warmSeconds' | 'seconds'>

export interface Latency extends OpenLoopResult {
  /** Share of one core that the party and its store took. */
  readonly cores: number
}

export const measureLatency = (job: Omit<OpenLoopJob, 'members'>, seconds: number): Promise<Latency> =>
  withOpenLoop({ ...job, members: 1 }, async (_, [member], drive) => {
    const cpu = async (): Promise<number> => (member as Member).cpuS() + (await job.party.storeCpuS())
    const [before, began] = [await cpu(), performance.now()]
    const result = await drive({ eventsPerSecond: EVENTS_PER_S, warmSeconds: WARM_S, seconds })
    const elapsedS = (performance.now() - began) / 1000
    if (result.missing > 0)
      throw new Error(`${job.party.name}: ${result.missing} of ${result.missing + result.decisions} decisions never arrived`)
    return { ...result, cores: ((await cpu()) - before) / elapsedS }
  })
