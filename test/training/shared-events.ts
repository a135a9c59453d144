/** The demo stream of some clients, with what makes a replay harder: erasures, exclusions, applications without outcome, equal times. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ApplicationEvent, CreditEvent } from '#schemas/events.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import type { EventSource } from '#training/event-replay.ts'

const CLIENTS = 600
const numberOf = (applicantId: string): number => Number(applicantId.slice(3))

const erasureAt = ({ applicantId, eventTime, producer }: ApplicationEvent): CreditEvent => ({
  eventId: `${applicantId}-erasure`,
  applicantId,
  eventTime,
  producer,
  kind: 'subject-request',
  request: 'erasure',
})

/** At the next midnight, as many others': equal times are common. Its outcome is never known. */
const secondAt = (first: ApplicationEvent): CreditEvent => ({
  ...first,
  eventId: `${first.applicantId}-second`,
  applicationId: `${first.applicantId}-2`,
  eventTime: (Math.ceil(first.eventTime / 86_400_000) * 86_400_000) as ApplicationEvent['eventTime'],
})

/** Of the applicants that `only` lets through, in the order in which all of them stand. */
export const sharedEvents =
  (only: (applicantId: string) => boolean): EventSource =>
  (sink) => {
    const stream = demoStream(readFileSync(join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')), {
      only: (id) => numberOf(id) <= CLIENTS && only(id),
    })
    for (const event of stream.events()) {
      sink.event(event)
      if (event.kind !== 'application') continue
      const client = numberOf(event.applicantId)
      if (client % 7 === 0) sink.event(secondAt(event))
      if (client % 11 === 0) sink.event(erasureAt(event))
      if (client % 13 === 0) sink.exclude(event.applicantId)
    }
    return Promise.resolve()
  }
