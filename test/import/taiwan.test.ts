import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { eventToJson } from '#schemas/parse-event.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { importShipped, withFolder } from './import-world.ts'

const CSV = join(import.meta.dirname, '../../data/taiwan/taiwan-credit-default.csv.gz')
/** A tenth of the clients: all of them agree too, and take half a minute on a busy machine. */
const CLIENTS = 3_000

test('the Taiwan mapping gives the events of the demo stream, each at its place, and their protected attributes', async () => {
  await withFolder(async (folder) => {
    const lines = gunzipSync(readFileSync(CSV)).toString('utf8').split('\n')
    const csv = `${lines.slice(0, CLIENTS + 1).join('\n')}\n`
    const stream = demoStream(gzipSync(csv))
    const path = join(folder, 'taiwan-credit-default.csv')
    writeFileSync(path, csv)
    const { events, summary } = await importShipped('taiwan', [path])
    expect(summary.tables['clients']).toEqual({ rows: CLIENTS, passedOver: 0, rejected: 0, events: stream.count + CLIENTS })
    // Both sort by time; the demo orders events of one second by client and kind, an import by row and event.
    const imported = events.values().filter(({ kind }) => kind !== 'protected')
    let count = 0
    for (const event of stream.events()) {
      const [ours, theirs] = [imported.next().value, eventToJson(event)]
      // A matcher only for what differs: tens of thousands of them would take a minute.
      if (!isDeepStrictEqual(ours, theirs)) expect(ours).toEqual(theirs)
      count++
    }
    expect([count, imported.next().done]).toEqual([stream.count, true])
    const byId = new Map(events.filter(({ kind }) => kind === 'protected').map((event) => [event['eventId'], event]))
    for (const event of stream.protectedEvents()) {
      const [ours, theirs] = [byId.get(event.eventId), eventToJson(event)]
      if (!isDeepStrictEqual(ours, theirs)) expect(ours).toEqual(theirs)
    }
    expect(byId.size).toBe(CLIENTS)
  })
}, 120_000)
