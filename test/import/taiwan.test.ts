import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { eventToJson } from '#schemas/parse-event.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { importShipped } from './import-world.ts'

const CSV = join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')

test('the Taiwan mapping gives the events of the demo stream, each of the 383,103 at its place, and their protected attributes', async () => {
  const stream = demoStream(readFileSync(CSV))
  const { events, summary } = await importShipped('taiwan', [CSV])
  expect(summary.tables['clients']).toEqual({ rows: 30_000, passedOver: 0, rejected: 0, events: 413_103 })
  // Both sort by time; the demo orders events of one second by client and kind, an import by row and event.
  const imported = events.values().filter(({ kind }) => kind !== 'protected')
  let count = 0
  for (const event of stream.events()) {
    const [ours, theirs] = [imported.next().value, eventToJson(event)]
    // Called only for what differs: 383,103 matchers would take a minute.
    if (!isDeepStrictEqual(ours, theirs)) expect(ours).toEqual(theirs)
    count++
  }
  expect([count, imported.next().done]).toEqual([383_103, true])
  const byId = new Map(events.filter(({ kind }) => kind === 'protected').map((event) => [event['eventId'], event]))
  for (const event of stream.protectedEvents()) {
    const [ours, theirs] = [byId.get(event.eventId), eventToJson(event)]
    if (!isDeepStrictEqual(ours, theirs)) expect(ours).toEqual(theirs)
  }
  expect(byId.size).toBe(30_000)
})
