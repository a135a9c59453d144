/** Events of the demo stream's first clients, in its order: histories, applications and outcomes interleaved. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreditEvent } from '#schemas/events.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'

export const eventsOf = (clients: number): CreditEvent[] => {
  const stream = demoStream(readFileSync(join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')))
  return [...stream.events()].filter((event) => Number(event.applicantId.slice(3)) <= clients)
}
