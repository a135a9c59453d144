/** A whole embedded engine whose feature set reads devices and employers, and a naive account of what it should have read. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { count } from '#features/aggregates/count.ts'
import { distinct } from '#features/aggregates/distinct.ts'
import { sum } from '#features/aggregates/sum.ts'
import { feature } from '#features/language/feature.ts'
import { days, lastEvents } from '#features/language/window.ts'
import { linkedFeatureSet } from '#features/linked/linked-feature-set.ts'
import { of } from '#features/linked/of.ts'
import type { Decision, Verdict } from '#schemas/decision.ts'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { points, probability } from '#schemas/units.ts'
import { decodeEvent } from '#schemas/wire.ts'
import { decodeLinkedUpdate } from '#schemas/linked-wire.ts'
import { openStateStore } from '#streams/embedded/state-store.ts'
import type { EngineParts } from '#streams/engine.ts'
import type { Decider, EventLog, LogRecord, StateStore } from '#streams/ports.ts'
import { application, closeWorld, openWorld, payment, PARTITIONS, type World, type WorldOptions } from './embedded.ts'
import { seededRandom } from './seeded-events.ts'

const [by, on] = ['applicant', 'application'] as const

export const linkedSet = linkedFeatureSet({
  definitions: [
    feature({ on: 'payment', by, field: 'amount', how: sum(), window: days(30) }),
    of('device').feature({ on, how: count(), window: days(30) }),
    of('device').feature({ on, text: 'applicantId', how: distinct(), window: days(30) }),
    feature({ on: 'payment', by, how: count(), window: lastEvents(8) }),
    of('employer').feature({ on, field: 'amount', how: sum(), window: days(30) }),
  ],
  capacities: { payment: 8 },
  linkedCapacities: { device: { application: 256 }, employer: { application: 256 } },
})

/** Sensitive to every feature, and to which are missing. */
export const linkedDecider: Decider = {
  modelVersion: 'linked@1',
  featureSetHash: linkedSet.hash,
  decide: (asked, vectors, at, degrade): Verdict => {
    const margin = [0.001, 0.1, 0.2, 0.3, 0.0001].reduce((total, weight, i) => total + weight * (vectors[at + i]! || 0), 0)
    return {
      decision: asked.amount > 1000 ? 'refer' : 'approve',
      probability: probability(1 / (1 + Math.exp(-Math.min(30, margin)))),
      score: points(600),
      margin,
      base: 0,
      residual: 0,
      memberMargins: [{ member: 'linked', margin }],
      attributions: Float64Array.of(margin, 0, 0, 0, 0),
      reasons: [],
      cutOff: probability(0.5),
      ruleHit: null,
      degraded: degrade,
      modelVersion: 'linked@1',
      bundleHash: createHash('sha256').update('linked').digest('hex'),
      policyVersion: 'linked@000000000000',
      featureSetHash: linkedSet.hash,
      inTraining: false,
    }
  },
}

export interface LinkedWorld extends World {
  readonly linkedState: StateStore
}

export const openLinkedWorld = (folder: string, options: WorldOptions = {}): LinkedWorld => {
  const linkedState = options.parts?.linkedState ?? openStateStore({ folder: join(folder, 'linked') })
  const parts: Partial<EngineParts> = { featureSet: linkedSet, decider: linkedDecider, ...options.parts, linkedState }
  return { ...openWorld(folder, { ...options, parts }), linkedState }
}

export const closeLinkedWorld = async (world: LinkedWorld): Promise<void> => {
  await closeWorld(world)
  await world.linkedState.close()
}

/** Payments, applications that share a few devices and employers or name none, and some events sent twice. */
export const linkedEvents = (seed: number, total: number): CreditEvent[] => {
  const random = seededRandom(seed)
  const out: CreditEvent[] = []
  for (let n = 0; n < total; n++) {
    const applicant = `client-${Math.floor(random() * 40)}`
    const repeat = random() < 0.05 ? out[Math.floor(random() * out.length)] : undefined
    const named = {
      ...(random() < 0.8 ? { deviceId: `d${Math.floor(random() * 12)}` } : {}),
      ...(random() < 0.5 ? { employerId: `e${Math.floor(random() * 5)}` } : {}),
      ...(random() < 0.3 ? { addressId: `a${Math.floor(random() * 9)}` } : {}),
    }
    out.push(repeat ?? (random() < 0.6 ? application(applicant, n, named) : payment(applicant, n)))
  }
  return out
}

export const recordsOf = async (log: EventLog, topic: 'credit-events' | 'linked-entities'): Promise<LogRecord[]> => {
  const out: LogRecord[] = []
  for (let p = 0; p < PARTITIONS; p++)
    for (let next = 0; next < log.end(topic)[p]!;)
      for (const record of await log.read(topic, p, next, 1_000_000)) {
        out.push(record)
        next = record.offset + 1
      }
  return out
}

interface Update {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly source: string
  readonly application: ApplicationEvent
}

/** The topic as it lies in the log, each source position once a key: what a naive reader makes of it. */
export const updatesIn = async (log: EventLog): Promise<readonly Update[]> => {
  const seen = new Set<string>()
  return (await recordsOf(log, 'linked-entities')).flatMap((record) => {
    const parsed = decodeLinkedUpdate(record.value)
    if (parsed.kind === 'rejected') throw new Error(parsed.rejection.detail)
    const { entity, entityId, sourcePartition, sourceOffset, application: bytes } = parsed.value
    const [key, source] = [`${entity}:${entityId}`, `${sourcePartition}-${sourceOffset}`]
    const event = decodeEvent(bytes)
    if (event.kind === 'rejected' || event.value.kind !== 'application') throw new Error('no application')
    if (seen.has(`${key} ${source}`)) return []
    seen.add(`${key} ${source}`)
    return [{ partition: record.partition, offset: record.offset, key, source, application: event.value }]
  })
}

/** The three linked numbers of a decision, counted by hand over the updates below the versions its capsule names. */
export const naiveReading = (decision: Decision, asked: ApplicationEvent, updates: readonly Update[]): readonly number[] => {
  const known = (entity: 'device' | 'employer', id: string | undefined): readonly ApplicationEvent[] | undefined => {
    if (id === undefined) return undefined
    const reading = decision.body.linked!.find((one) => one.entity === entity)!
    return updates
      .filter(({ key, partition, offset }) => key === `${entity}:${id}` && partition === reading.partition && offset < reading.version)
      .map((update) => update.application)
      .filter(({ eventTime }) => eventTime < asked.eventTime && eventTime > asked.eventTime - 30 * 86_400_000)
  }
  const [device, employer] = [known('device', asked.deviceId), known('employer', asked.employerId)]
  return [
    device?.length ?? Number.NaN,
    device === undefined ? Number.NaN : new Set(device.map(({ applicantId }) => applicantId)).size,
    employer?.reduce((total, { amount }) => total + amount, 0) ?? Number.NaN,
  ]
}

export const linkedNumbers = ({ body }: Decision): readonly number[] => [1, 2, 4].map((place) => body.vector[place]!)
