/**
 * Version 1 of the credit features, and what is known of the device, employer and address that the application names. A model must be trained
 * on it before it can be put in force.
 */
import { count } from '../aggregates/count.ts'
import { daysSinceLast } from '../aggregates/days-since-last.ts'
import { distinct } from '../aggregates/distinct.ts'
import { mean } from '../aggregates/mean.ts'
import { sum } from '../aggregates/sum.ts'
import type { Definition } from '../language/feature.ts'
import { days } from '../language/window.ts'
import { of } from '../linked/of.ts'
import { creditV1Definitions } from './credit-v1.ts'

const on = 'application'
const applicants = { on, text: 'applicantId', how: distinct() } as const

export const creditLinkedV1Definitions: readonly Definition[] = [
  ...creditV1Definitions,
  // One device behind many applicants within days is how rings of fraud look.
  of('device').feature({ ...applicants, window: days(7) }),
  of('device').feature({ ...applicants, window: days(90) }),
  of('device').feature({ on, how: count(), window: days(7) }),
  of('device').feature({ on, how: daysSinceLast(), window: days(90) }),
  of('device').feature({ on, field: 'amount', how: sum(), window: days(30) }),
  // How the employer's other people ask for credit, and whether all at once.
  of('employer').feature({ on, how: count(), window: days(30) }),
  of('employer').feature({ on, field: 'amount', how: mean(), window: days(90) }),
  of('address').feature({ ...applicants, window: days(90) }),
  of('address').feature({ on, field: 'amount', how: sum(), window: days(90) }),
]

/** A large employer's older applications fall out first, and are counted: its counts then speak of fewer days than they say. */
export const creditLinkedV1Capacities = {
  device: { application: 64 },
  employer: { application: 128 },
  address: { application: 32 },
} as const
