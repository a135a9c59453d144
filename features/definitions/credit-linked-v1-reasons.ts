/** What credit sense says of the features of linked entities, beside what it says of version 1. */
import { creditV1Monotone, creditV1ReasonGroups } from './credit-v1-reasons.ts'
import type { CreditReasonGroup } from './credit-v1-reasons.ts'

export const creditLinkedV1ReasonGroups: readonly CreditReasonGroup[] = [
  ...creditV1ReasonGroups,
  {
    code: 'SHARED-DEVICE',
    group: 'shared device',
    text: 'Number or amount of recent applications for credit from the device used for this application',
    features: [
      'device.application.applicantId.distinct.7d',
      'device.application.applicantId.distinct.90d',
      'device.application.event.count.7d',
      'device.application.event.days-since-last.90d',
      'device.application.amount.sum.30d',
    ],
  },
  {
    code: 'EMPLOYER-APPLICATIONS',
    group: 'applications through the employer',
    text: 'Number or amount of recent applications for credit by people of the stated employer',
    features: ['employer.application.event.count.30d', 'employer.application.amount.mean.90d'],
  },
  {
    code: 'SHARED-ADDRESS',
    group: 'shared address',
    text: 'Number or amount of recent applications for credit from the stated address',
    features: ['address.application.applicantId.distinct.90d', 'address.application.amount.sum.90d'],
  },
]

/** As in version 1; of linked entities only the count of people behind one device has a direction. */
export const creditLinkedV1Monotone: Readonly<Record<string, 1 | -1>> = {
  ...creditV1Monotone,
  'device.application.applicantId.distinct.7d': 1,
  'device.application.applicantId.distinct.90d': 1,
}
