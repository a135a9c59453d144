/**
 * From one feature set to another while applications are decided. The states of the set to come are filled from the log beside those in force;
 * where a sample of them equals a second fold of the log, and past capsules agree on what both sets have, the engine that decides ends at a cut,
 * both sets' states stand there, and its successor begins there. Whatever moment a crash takes, the next start goes on: until then with the
 * former set, from then on with the new one, and decisions that were published are adopted by either.
 */
import type { FeatureSetParts } from '#features/set-parts.ts'
import type { Engine } from '../engine.ts'
import { TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import { realPauses } from '../pipeline/pauses.ts'
import type { Clock, Decider, EventLog, StateStore } from '../ports.ts'
import { type Certificate, describeDifferences, Findings } from './certificate.ts'
import { comparePartition, NO_HISTORY } from './compare.ts'
import { compareLinked } from './compare-linked.ts'
import { type Cut, cutHere, cutOf, eventsBetween } from './cut.ts'
import type { EvolvingEngine, Seat } from './evolving-engine.ts'
import { type FillPorts, fillTo, givingWay } from './fill.ts'

/** So near, the rest is folded within milliseconds while the engine that decides waits. */
const NEAR_EVENTS = 512
/** Under a load that cannot be caught up with, the rest takes longer; it is not tried for ever. */
const ROUNDS_MAX = 40
/** Applicants compared, over all partitions. */
const APPLICANTS_MAX = 600

export type EvolutionProgress =
  | { readonly kind: 'filling'; readonly done: number; readonly total: number }
  | { readonly kind: 'comparing'; readonly partition: number; readonly partitions: number }
  | { readonly kind: 'cutting-over' }

export interface EvolvePorts {
  readonly log: EventLog
  readonly engine: EvolvingEngine
  readonly from: FeatureSetParts
  readonly to: FeatureSetParts
  readonly state: StateStore
  readonly linkedState?: StateStore
  /** Of the model to come. */
  readonly decider: Decider
  /** Makes its engine, which is not started here. */
  readonly openNext: (counters: Engine['counters']) => Promise<Seat>
  /** Keeps a certificate, with cut-over or without, before anything that rests on it is done. */
  readonly record: (certificate: Certificate) => void
  /** From now on the set to come is in force: durable before it returns. */
  readonly putInForce: () => void
  readonly clock: Clock
  readonly monotonicUs: () => number
  readonly logger: Logger
  /** Calls it off, until the cut-over. */
  readonly signal: AbortSignal
  readonly progressed: (progress: EvolutionProgress) => void
}

/** Why the set to come is not put in force: its states, or the log, do not allow it. The present one goes on. */
export class EvolutionRefused extends Error {
  override readonly name = 'EvolutionRefused'
  readonly code: 'history-gone' | 'states-differ'

  constructor(code: EvolutionRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Rejects with {@link EvolutionRefused}, or with `closed` where it was called off; what was filled is kept and gone on from. */
export const evolve = async (ports: EvolvePorts): Promise<Certificate> => {
  requireHistory(ports)
  const cut = await approach(ports)
  const certificate = await compare(cut, ports)
  ports.record(certificate)
  if (certificate.differences > 0)
    throw new EvolutionRefused(
      'states-differ',
      `feature set ${ports.to.set.hash.slice(0, 12)} is not put in force: ${describeDifferences(certificate)}. Drop its states (scorestream features drop-state), mend the cause, and promote again.`,
    )
  await approach(ports)
  return cutOver(certificate, ports)
}

/** New features need the whole history: states that begin in the middle would look complete and not be. */
const requireHistory = ({ log, to }: EvolvePorts): void => {
  const cutOff = log.start('credit-events').findIndex((start) => start > 0)
  if (cutOff >= 0)
    throw new EvolutionRefused(
      'history-gone',
      `credit-events[${cutOff}] begins at ${log.start('credit-events')[cutOff]}: retention has deleted what the features of set ${to.set.hash.slice(0, 12)} are folded from. Restore the older segments, or start it in a data directory of its own that is fed the history.`,
    )
}

const fillPorts = (ports: EvolvePorts, cut: Cut, given: Pick<FillPorts, 'signal'>): FillPorts => {
  const { log, engine, from, to, state, linkedState, decider, clock, monotonicUs, logger } = ports
  const total = cut.input.reduce((sum, offset) => sum + offset, 0)
  return {
    log,
    featureSet: to.set,
    state,
    ...(linkedState === undefined ? {} : { linkedState }),
    decider,
    settings: engine.settings,
    clock,
    monotonicUs,
    logger,
    tells: from.set.linked === undefined,
    ...given,
    progressed: (positions) =>
      ports.progressed({ kind: 'filling', done: [...positions.values()].reduce((sum, next) => sum + next, 0), total }),
  }
}

/** Fills until little is missing, giving way to the engine that decides. Resolves with the cut at which the states stand. */
const approach = async (ports: EvolvePorts): Promise<Cut> => {
  const { log, engine, monotonicUs, signal } = ports
  const behind = (): number => [...engine.lag().values()].reduce((sum, events) => sum + events, 0)
  for (let round = 1; ; round++) {
    const cut = await cutOf(log, engine)
    await fillTo(cut, fillPorts(ports, cut, { signal }), givingWay(monotonicUs, behind))
    if (round === ROUNDS_MAX || eventsBetween(cut, await cutOf(log, engine)) <= NEAR_EVENTS) return cut
  }
}

const compare = async (cut: Cut, ports: EvolvePorts): Promise<Certificate> => {
  const { log, engine, from, to, state, linkedState, decider, clock, progressed, signal } = ports
  const findings = new Findings()
  const partitions = log.partitions('credit-events')
  const { time, dedupe } = engine.settings
  const pause = (): Promise<void> => {
    if (signal.aborted) throw new TerminalFailure('closed', 'the comparison was called off')
    return realPauses.turn()
  }
  const common = { log, from, to, state, rules: { time, dedupe }, applicantsMax: Math.ceil(APPLICANTS_MAX / partitions), pause }
  const sums = { applicants: 0, vectors: 0, decisions: 0, linkedStates: 0 }
  for (let partition = 0; partition < partitions; partition++) {
    progressed({ kind: 'comparing', partition, partitions })
    const found = await comparePartition(partition, cut, common, findings)
    if (found === NO_HISTORY) throw new EvolutionRefused('history-gone', `credit-events[${partition}] no longer begins at its first record`)
    sums.applicants += found.applicants
    sums.vectors += found.vectors
    sums.decisions += found.decisions
    if (linkedState !== undefined)
      sums.linkedStates += await compareLinked(
        found.applications,
        { log, set: to.set, linkedState, complete: from.set.linked === undefined, pause },
        findings,
      )
  }
  return {
    from: { featureSetHash: from.set.hash, modelVersion: engine.seat.decider.modelVersion },
    to: { featureSetHash: to.set.hash, modelVersion: decider.modelVersion },
    comparedAt: clock.now(),
    comparedAtOffsets: cut.input,
    ...sums,
    values: findings.values,
    differences: findings.differences,
    features: findings.rows(),
    cutOver: null,
  }
}

/** While the engine that decides rests between two batches, the other set's states are brought to the very same offsets. */
const cutOver = async (certificate: Certificate, ports: EvolvePorts): Promise<Certificate> => {
  const { log, engine, openNext, record, putInForce, clock, progressed, signal } = ports
  let done = certificate
  await engine.succeed(async ({ engine: present }: Seat): Promise<Seat> => {
    progressed({ kind: 'cutting-over' })
    let ended: Promise<void> | undefined
    await present.betweenBatches(async () => {
      const cut = cutHere(log, present)
      await fillTo(cut, fillPorts(ports, cut, { signal }))
      done = { ...certificate, cutOver: { at: clock.now(), offsets: cut.input } }
      record(done)
      putInForce()
      // Its loop ends with this pause: no batch comes after the cut, and what is folded is committed.
      ended = present.stop()
    })
    await ended
    return openNext(present.counters)
  })
  return done
}
