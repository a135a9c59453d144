/** Questions about an applicant that write nothing: the features now, and what a hypothetical application would get. */
import type { ApplicantFeatures, KnownUpTo, WhatIf } from '#gateway/ports.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import { nearest } from '#schemas/nearest.ts'
import { type ApplicantId, type EpochMs, moneyMinor } from '#schemas/units.ts'
import type { Engine } from '#streams/engine.ts'
import type { Seat } from '#streams/evolution/evolving-engine.ts'

/** Stands in for the application that has not been made: features that it would state are left out of the answer. */
const noApplication = (applicantId: ApplicantId, asOf: EpochMs): ApplicationEvent => ({
  eventId: 'read-out',
  kind: 'application',
  applicantId,
  eventTime: asOf,
  producer: 'read-out',
  applicationId: 'read-out',
  product: 'credit-line',
  amount: moneyMinor(0),
  currency: 'XXX',
  termMonths: 0,
  purpose: 'read-out',
  channel: 'online',
})

/** What another process works on is read as it committed last. */
const knownUpTo = (engine: Engine, applicantId: string): KnownUpTo => (engine.owns(engine.partitionOf(applicantId)) ? 'now' : 'last-commit')

/** The feature vector as of the applicant's newest event; undefined for an applicant nothing is known of. */
export const readFeatures = async (
  { engine, featureSet: set }: Omit<Seat, 'decider'>,
  applicantId: string,
): Promise<ApplicantFeatures | undefined> => {
  const entity = await engine.entity(applicantId)
  if (!Number.isFinite(entity.newestEventTime)) return undefined
  const asOf = entity.newestEventTime as EpochMs
  const vector = new Float32Array(set.size)
  set.vector(entity.state, noApplication(applicantId as ApplicantId, asOf), vector, 0)
  return {
    applicantId,
    featureSetHash: set.hash,
    asOf,
    knownUpTo: knownUpTo(engine, applicantId),
    features: set.features.map(({ name, unit, description, kind, window }, index) => {
      const value = vector[index] ?? Number.NaN
      const stated = kind === 'application' && window === 'now'
      return { name, unit, description, value: stated || Number.isNaN(value) ? null : value }
    }),
  }
}

/** Scores a hypothetical application on the applicant's present state, with some features set to other values. */
export const askWhatIf = async (
  { engine, featureSet: set, decider }: Seat,
  application: ApplicationEvent,
  overlays: ReadonlyMap<string, number>,
): Promise<WhatIf> => {
  const names = set.features.map((feature) => feature.name)
  const unknown = [...overlays.keys()].filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    const errors = unknown.slice(0, 16).map((name) => {
      const hint = nearest(name, names)
      return {
        pointer: `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        value: name.slice(0, 64),
        expected: 'the name of a feature of the model',
        remedy: hint ? `did you mean "${hint}"?` : 'GET /v1/models lists the features',
      }
    })
    return { kind: 'rejected', rejection: { code: 'schema-violation', detail: `no feature is called ${unknown[0]?.slice(0, 64)}`, errors } }
  }
  const entity = await engine.entity(application.applicantId)
  const vector = new Float32Array(set.size)
  set.vector(entity.state, application, vector, 0)
  await engine.linked?.view(application, vector, 0)
  for (const [name, value] of overlays) vector[names.indexOf(name)] = value
  const verdict = decider.decide(application, vector, 0, null)
  const { decision, probability, score, margin, base, residual, reasons, degraded, modelVersion, policyVersion, featureSetHash, ruleHit } =
    verdict
  return {
    kind: 'answer',
    answer: {
      knownUpTo: knownUpTo(engine, application.applicantId),
      decision,
      probability,
      score,
      margin,
      base,
      residual,
      reasons,
      degraded,
      modelVersion,
      policyVersion,
      featureSetHash,
      ruleHit,
    },
  }
}
