/** One seeded run: a few processes share log and state, everything goes wrong for a while, then the world calms down and must come out right. */
import { inspect } from 'node:util'
import { tinyDecider } from '../streams/support/embedded.ts'
import { type Beliefs, Table } from './consumer.ts'
import { Coordinator } from './coordinator.ts'
import { Line, type Weather } from './line.ts'
import { Member, type Shared } from './member.ts'
import { Producer } from './producer.ts'
import { Referee } from './referee.ts'
import { Scheduler } from './scheduler.ts'
import { SharedLog } from './shared-log.ts'
import { SharedState, type StoreBugs } from './shared-state.ts'

const PARTITIONS = 3
const MEMBERS = 3
const EVENTS = 60
const STORM_MS = 350
const FAULTS_MAX = 9
const STEPS_MAX = 40_000

export interface Tally {
  crashes: number
  stalls: number
  ends: number
  rebalances: number
  fallbacks: number
  timeouts: number
  claims: number
  adopted: number
  passed: number
  losses: number
  repeats: number
  ignored: number
  repeatedInputs: number
  strays: number
  decisions: number
  steps: number
}

export const emptyTally = (): Tally => ({
  crashes: 0,
  stalls: 0,
  ends: 0,
  rebalances: 0,
  fallbacks: 0,
  timeouts: 0,
  claims: 0,
  adopted: 0,
  passed: 0,
  losses: 0,
  repeats: 0,
  ignored: 0,
  repeatedInputs: 0,
  strays: 0,
  decisions: 0,
  steps: 0,
})

export interface Outcome {
  readonly seed: number
  /** Empty where every promise held. */
  readonly findings: readonly string[]
  readonly tally: Tally
}

export interface SimulationOptions {
  readonly bugs?: StoreBugs
  readonly trace?: (line: string) => void
}

/** Runs one seed. The same seed and code give the same run, step by step. */
export const simulate = async (seed: number, { bugs = {}, trace }: SimulationOptions = {}): Promise<Outcome> => {
  const run = new Run(seed, bugs, trace)
  await run.storm()
  await run.calm()
  return { seed, findings: run.referee.findings, tally: run.tally() }
}

class Run {
  readonly referee: Referee
  readonly #scheduler: Scheduler
  readonly #weather: Weather
  readonly #shared: Shared
  readonly #members: (Member | undefined)[] = []
  /** All that ever lived: what they believed must hold, too. */
  readonly #lives: Member[] = []
  readonly #producer: Producer
  readonly #table: Table
  /** In half of the runs every life decides by another model: what it would decide anew has other content. */
  readonly #changing: boolean
  readonly #counts = emptyTally()
  #sinks = 0

  constructor(seed: number, bugs: StoreBugs, trace: ((line: string) => void) | undefined) {
    const scheduler = new Scheduler(seed, trace)
    this.#scheduler = scheduler
    this.#changing = seed % 2 === 1
    this.#weather = { loss: scheduler.between(0, 0.08), latencyMsMax: scheduler.between(0.5, 4) }
    this.referee = new Referee(PARTITIONS, this.#changing ? undefined : tinyDecider())
    const log = new SharedLog(PARTITIONS, scheduler)
    const state = new SharedState(bugs)
    const coordinator = new Coordinator(PARTITIONS, scheduler)
    this.#shared = { scheduler, weather: this.#weather, log, state, coordinator }
    log.watch((topic, record) => this.referee.saw(topic, record))
    state.committed = (commit) => {
      scheduler.say(() => `partition ${commit.partition} committed ${commit.from} to ${commit.to} by ${commit.epoch}`)
      this.referee.committed(commit, state.of(commit.partition).entities)
    }
    this.#producer = new Producer(new Line('producer', scheduler, this.#weather), log, scheduler)
    this.#table = new Table(log, scheduler)
  }

  async storm(): Promise<void> {
    for (let n = 0; n < MEMBERS; n++) this.#begin(n)
    this.#newSink()
    this.#producer.produce(EVENTS, STORM_MS)
    const faults = 2 + Math.floor(this.#scheduler.random() * FAULTS_MAX)
    for (let n = 0; n < faults; n++) this.#scheduler.after(this.#scheduler.between(5, STORM_MS), () => this.#fault())
    let over = false
    this.#scheduler.after(STORM_MS + 20, () => (over = true))
    await this.#scheduler.run(() => over || this.referee.findings.length > 0, STEPS_MAX)
  }

  /** No faults any more: all that was acknowledged must now be decided, stored and seen by everybody. */
  async calm(): Promise<void> {
    if (this.referee.findings.length > 0) return
    this.#scheduler.say(() => 'calm')
    this.#weather.loss = 0
    this.#producer.conclude()
    const quiet = await this.#scheduler.run(() => this.referee.findings.length > 0 || this.#failure !== undefined || this.#quiet, STEPS_MAX)
    if (this.#failure !== undefined) this.referee.findings.push(`an engine stopped by itself: ${inspect(this.#failure)}`)
    else if (!quiet) this.referee.findings.push(`it does not come to rest: ${this.#unrest.join('; ')}`)
    this.#judge()
  }

  tally(): Tally {
    const sum = (of: (member: Member) => number): number => this.#lives.reduce((total, member) => total + of(member), 0)
    return {
      ...this.#counts,
      timeouts: sum(({ line }) => line.timeouts),
      claims: this.referee.claims,
      adopted: sum(({ engine }) => engine.counters.adopted),
      passed: sum(({ engine }) => engine.counters.passed),
      losses: sum(({ engine }) => engine.counters.losses),
      repeats: this.referee.repeats,
      ignored: this.referee.ignored,
      repeatedInputs: this.referee.repeatedInputs,
      strays: this.referee.strays,
      decisions: this.referee.partitions.reduce((total, { believed }) => total + believed.size, 0),
      steps: this.#scheduler.steps,
    }
  }

  #begin(place: number): void {
    const life = this.#lives.length
    const member = new Member(`m${place}.${life}`, tinyDecider(this.#changing ? 1 + life : 1), this.#shared)
    this.#members[place] = member
    this.#lives.push(member)
  }

  #newSink(): void {
    this.#table.restart(new Line(`sink ${this.#sinks++}`, this.#scheduler, this.#weather))
  }

  #fault(): void {
    const place = Math.floor(this.#scheduler.random() * MEMBERS)
    const member = this.#members[place]
    const dice = this.#scheduler.random()
    if (dice < 0.3) {
      if (member === undefined) return
      this.#counts.crashes++
      member.crash()
      this.#members[place] = undefined
      this.#scheduler.after(this.#scheduler.between(1, 90), () => this.#begin(place))
    } else if (dice < 0.55) {
      if (member === undefined) return
      this.#counts.stalls++
      member.stall(this.#scheduler.between(10, 160))
    } else if (dice < 0.65) {
      if (member === undefined) return
      this.#counts.ends++
      this.#members[place] = undefined
      void member.end().finally(() => this.#begin(place))
    } else if (dice < 0.8) {
      this.#counts.rebalances++
      this.#scheduler.say(() => 'the group rebalances')
      this.#shared.coordinator.rebalance()
    } else if (dice < 0.95) this.#fallBack()
    else this.#newSink()
  }

  #fallBack(): void {
    const { state } = this.#shared
    this.#counts.fallbacks++
    const steps = this.#scheduler.chance(0.2) ? Infinity : 1 + Math.floor(this.#scheduler.random() * 4)
    const partitions = this.#scheduler.chance(0.5) ? [0, 1, 2] : [Math.floor(this.#scheduler.random() * PARTITIONS)]
    this.#scheduler.say(() => `the state of ${partitions.join(' ')} falls back by ${steps}`)
    for (const partition of partitions) state.fallBack(partition, steps)
  }

  get #failure(): unknown {
    return this.#lives.find(({ failure }) => failure !== undefined)?.failure
  }

  get #quiet(): boolean {
    return this.#unrest.length === 0
  }

  get #unrest(): string[] {
    const { log, state } = this.#shared
    const out: string[] = []
    if (!this.#producer.done) out.push('the producer waits')
    for (const [partition, end] of log.ends('credit-events').entries()) {
      const last = log.records('credit-events', partition).at(-1)?.offset ?? -1
      const stored = state.of(partition).position?.offset ?? 0
      if (stored < last + 1) out.push(`partition ${partition} is stored up to ${stored} of ${end}`)
    }
    for (const missing of this.referee.missing) out.push(`${missing} is undecided`)
    const wanted = this.referee.partitions.reduce((total, { believed }) => total + believed.size, 0)
    if (this.#table.rows.size < wanted) out.push(`the table has ${this.#table.rows.size} rows of ${wanted}`)
    for (const member of this.#members)
      if (member === undefined) out.push('a process is away')
      else if (member.beliefs.size < wanted) out.push(`${member.line.name} has read ${member.beliefs.size} decisions of ${wanted}`)
    return out
  }

  #judge(): void {
    const { findings, partitions } = this.referee
    for (const [at, value] of this.#producer.acknowledged) {
      const [partition, offset] = at.split('-').map(Number) as [number, number]
      const record = partitions[partition]?.expected.get(offset)?.record
      if (record === undefined || Buffer.compare(record.value, value) !== 0) findings.push(`acknowledged ${at} is not in the log`)
    }
    this.#compare('the table', this.#table.rows)
    for (const { line, beliefs } of this.#lives) this.#compare(`the reader of ${line.name}`, beliefs)
  }

  #compare(who: string, beliefs: Beliefs): void {
    for (const [at, hashes] of beliefs) {
      const [partition, offset] = at.split('-').map(Number) as [number, number]
      const hash = this.referee.partitions[partition]?.believed.get(offset)?.capsuleHash
      if (hashes.size !== 1 || !hashes.has(hash ?? '')) this.referee.findings.push(`${who} believes ${hashes.size} contents of ${at}`)
    }
  }
}
