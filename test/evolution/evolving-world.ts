/** An embedded engine that goes from one feature set to another over a folder: two small sets, one of them with devices, and deciders for both. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { count } from '#features/aggregates/count.ts'
import { distinct } from '#features/aggregates/distinct.ts'
import { max } from '#features/aggregates/max.ts'
import { sum } from '#features/aggregates/sum.ts'
import { compile } from '#features/compile/compile.ts'
import { feature } from '#features/language/feature.ts'
import { days, lastEvents } from '#features/language/window.ts'
import { linkedFeatureSet } from '#features/linked/linked-feature-set.ts'
import { of } from '#features/linked/of.ts'
import { partsOf, type FeatureSetParts } from '#features/set-parts.ts'
import type { Verdict } from '#schemas/decision.ts'
import { epochMs, points, probability } from '#schemas/units.ts'
import { openEventLog, topicPartitions, type EmbeddedEventLog } from '#streams/embedded/event-log.ts'
import { openStateStore } from '#streams/embedded/state-store.ts'
import { createEngine, type Engine } from '#streams/engine.ts'
import type { Certificate } from '#streams/evolution/certificate.ts'
import { evolve, type EvolvePorts, type EvolutionProgress } from '#streams/evolution/evolve.ts'
import { EvolvingEngine, type Seat } from '#streams/evolution/evolving-engine.ts'
import { silentLogger } from '#streams/logger.ts'
import { ownAll } from '#streams/own-all.ts'
import type { Decider, EventLog, StateStore } from '#streams/ports.ts'
import { SwappableDecider } from '#streams/swappable-decider.ts'
import { PARTITIONS, T0 } from '../streams/support/embedded.ts'

const [by, on] = ['applicant', 'application'] as const
const paid = feature({ on: 'payment', by, field: 'amount', how: sum(), window: days(30) })
const payments = feature({ on: 'payment', by, how: count(), window: lastEvents(8) })
const greatest = feature({ on: 'payment', by, field: 'amount', how: max(), window: days(30) })
const asked = feature({ on, by, how: count(), window: days(30) })

export const former = partsOf(compile({ definitions: [paid, payments], capacities: { payment: 8 } }))
/** Adds features of the applicant that need other events, and of devices; moves one that stays. */
export const later = partsOf(
  linkedFeatureSet({
    definitions: [
      greatest,
      payments,
      of('device').feature({ on, how: count(), window: days(30) }),
      asked,
      of('device').feature({ on, text: 'applicantId', how: distinct(), window: days(30) }),
      paid,
    ],
    capacities: { payment: 8, application: 16 },
    linkedCapacities: { device: { application: 256 } },
  }),
)
const SETS = [former, later]

type Measured = Decider & { readonly lastStages: NonNullable<Decider['lastStages']> }

/** Sensitive to every feature of its set. */
export const deciderOf = ({ set }: FeatureSetParts): Measured => ({
  modelVersion: `m@${set.hash.slice(0, 12)}`,
  featureSetHash: set.hash,
  lastStages: { scoreUs: 1, explainUs: 1, policyUs: 1 },
  decide: (application, vectors, at, degrade): Verdict => {
    let margin = 0
    for (let i = 0; i < set.size; i++) margin += (i + 1) * 1e-3 * (vectors[at + i]! || 0)
    return {
      decision: application.amount > 1000 ? 'refer' : 'approve',
      probability: probability(1 / (1 + Math.exp(-Math.min(30, margin)))),
      score: points(600),
      margin,
      base: 0,
      residual: 0,
      memberMargins: [{ member: 'm', margin }],
      attributions: new Float64Array(set.size),
      reasons: [],
      cutOff: probability(0.5),
      ruleHit: null,
      degraded: degrade,
      modelVersion: `m@${set.hash.slice(0, 12)}`,
      bundleHash: createHash('sha256').update(set.hash).digest('hex'),
      policyVersion: 'm@000000000000',
      featureSetHash: set.hash,
      inTraining: false,
    }
  },
})

export interface EvolvingWorldOptions {
  readonly log?: (log: EventLog) => EventLog
  /** States of the applicants, and of linked entities, of one set. */
  readonly store?: (store: StateStore, of: 'applicants' | 'linked', set: FeatureSetParts) => StateStore
  /** Called around what is made durable. */
  readonly passing?: (point: 'recorded' | 'cut' | 'before-in-force' | 'in-force') => void
}

export interface EvolvingWorld {
  readonly folder: string
  readonly log: EmbeddedEventLog
  readonly engine: EvolvingEngine
  readonly failures: unknown[]
  readonly certificates: Certificate[]
  readonly progress: EvolutionProgress[]
  /** Of the set in force. */
  readonly inForce: () => FeatureSetParts
  to(set: FeatureSetParts, given?: Partial<EvolvePorts>): Promise<Certificate>
  close(): Promise<void>
}

export const setInForce = (folder: string): FeatureSetParts => {
  const file = join(folder, 'in-force')
  const hash = existsSync(file) ? readFileSync(file, 'utf8') : former.set.hash
  return SETS.find(({ set }) => set.hash === hash)!
}

const clock = { now: () => epochMs(T0 + 10_000_000) }
const monotonicUs = (): number => performance.now() * 1000

/** Opens the log and an engine on the set in force; it is not started. */
export const openEvolvingWorld = async (folder: string, options: EvolvingWorldOptions = {}): Promise<EvolvingWorld> => {
  const { passing = () => {}, store = (given: StateStore) => given } = options
  const log = openEventLog({
    folder: join(folder, 'log'),
    partitions: topicPartitions(PARTITIONS),
    clock,
    durability: 'process-kill',
    logger: silentLogger,
    segmentBytesMax: 100_000,
  })
  const seen = options.log?.(log) ?? log
  const failures: unknown[] = []
  const certificates: Certificate[] = []
  const progress: EvolutionProgress[] = []
  const stores = new Map<string, { readonly state: StateStore; readonly linkedState?: StateStore }>()
  const storesOf = (parts: FeatureSetParts) => {
    const { hash, linked } = parts.set
    const held = stores.get(hash)
    if (held !== undefined) return held
    const name = join(folder, `state-${hash.slice(0, 12)}`)
    const state = store(openStateStore({ folder: name }), 'applicants', parts)
    const opened =
      linked === undefined ? { state } : { state, linkedState: store(openStateStore({ folder: `${name}-linked` }), 'linked', parts) }
    stores.set(hash, opened)
    return opened
  }
  const ownership = ownAll(PARTITIONS)
  const seatOf = (parts: FeatureSetParts, counters?: Engine['counters']): Seat => {
    const decider = new SwappableDecider(deciderOf(parts))
    const engine = createEngine({
      ...storesOf(parts),
      log: seen,
      featureSet: parts.set,
      decider,
      clock,
      monotonicUs,
      logger: silentLogger,
      owner: 'test',
      host: 'test',
      runtime: 'test',
      ownership,
      settings: { commitAfterMs: 3, dirtyEntitiesMax: 40 },
      onStopped: (failure) => failures.push(failure),
      ...(counters === undefined ? {} : { counters }),
    })
    return { engine, featureSet: parts.set, decider }
  }
  const engine = new EvolvingEngine(seatOf(setInForce(folder)))
  return {
    folder,
    log,
    engine,
    failures,
    certificates,
    progress,
    inForce: () => setInForce(folder),
    to: (parts, given) =>
      evolve({
        log: seen,
        engine,
        from: SETS.find(({ set }) => set.hash === engine.seat.featureSet.hash)!,
        to: parts,
        ...storesOf(parts),
        decider: deciderOf(parts),
        openNext: (counters) => Promise.resolve(seatOf(parts, counters)),
        record(certificate) {
          certificates.push(certificate)
          passing(certificate.cutOver === null ? 'recorded' : 'cut')
        },
        putInForce() {
          passing('before-in-force')
          writeFileSync(join(folder, 'in-force.new'), parts.set.hash, { flush: true })
          renameSync(join(folder, 'in-force.new'), join(folder, 'in-force'))
          passing('in-force')
        },
        clock,
        monotonicUs,
        logger: silentLogger,
        signal: new AbortController().signal,
        progressed: (step) => progress.push(step),
        ...given,
      }),
    async close() {
      await engine.stop()
      await log.close()
      for (const { state, linkedState } of stores.values()) {
        await state.close()
        await linkedState?.close()
      }
    },
  }
}
