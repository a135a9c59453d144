/** Who is measured: something that reads the events' topic in one or several processes and writes a decisions' topic. */

/** One measurement of one party: fresh state, fresh decisions, the events that are there. */
export interface Job {
  /** Unique in a run: names groups, folders, applications. */
  readonly id: string
  readonly folder: string
  readonly broker: string
  readonly eventsTopic: string
  readonly decisionsTopic: string
  /** Put before the names of topics. */
  readonly topicPrefix: string
}

export interface Member {
  /** Since the process started: events read, and whether it is at work on its share. */
  progress(): Promise<{ readonly events: number; readonly working: boolean }>
  /** CPU seconds since it started, user and system, all threads. */
  cpuS(): number
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM, and gone within a minute. */
  end(): Promise<void>
}

export interface Party {
  readonly name: string
  readonly side: Side
  /** Before the first member of a job. */
  prepare(job: Job): Promise<void>
  start(job: Job, place: number): Promise<Member>
  /** CPU seconds of what it keeps its state in, where that is a process of its own. */
  storeCpuS(): Promise<number>
}

export type Wire = 'json' | 'avro'

/** Each side has topics of its own, with the same events. */
export type Side = 'ours' | 'peer'

export const WIRES: Readonly<Record<Side, Wire>> = { ours: 'avro', peer: 'json' }
