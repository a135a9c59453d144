/** The question behind the what-if panel: everything as it was decided, save what the reader changed. */
import type { Capsule } from '../api/types.ts'
import type { ApplicantEvent } from './applicant-events.ts'
import type { FeatureFact } from './feature-facts.ts'

interface Parts {
  readonly body: Capsule['body']
  readonly dictionary: readonly FeatureFact[]
  readonly application: ApplicantEvent
  readonly amountMinor: number
  /** Feature name → value; null = missing. */
  readonly changes: Readonly<Record<string, number | null>>
}

/**
 * Every feature is overlaid with the value it was decided on, so that later events of the applicant do not enter. Where the amount is changed,
 * the features made of it are left to the engine, which derives them anew.
 */
export const hypothesis = ({ body, dictionary, application, amountMinor, changes }: Parts): unknown => {
  const derived = (feature: string): boolean => amountMinor !== body.amount && feature.startsWith('applicant.application.amount')
  const asDecided = dictionary.flatMap(({ feature }, i) => (derived(feature) ? [] : [[feature, body.vector[i] ?? null] as const]))
  return {
    application: {
      ...(JSON.parse(application.body) as object),
      applicantId: body.applicantId,
      eventTime: body.eventTime,
      amount: amountMinor,
    },
    overlays: { ...Object.fromEntries(asDecided), ...changes },
  }
}
