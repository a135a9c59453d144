/** What the log may say of events: nothing of a person, whichever way an event gets into it. */
import { expect, test } from 'vitest'
import { EVENT_SCHEMAS } from '#schemas/events.ts'
import { createLogger } from '../../cli/logger.ts'
import { SAMPLES } from '../schemas/sample-events.ts'

const logged = (facts: object): string => {
  let text = ''
  createLogger('info', { write: (line: string) => void (text += line) }).info(facts, 'said')
  return text
}

test('every field whose privacy class is not "none" is hidden, alone, in an event and in an object that holds one', () => {
  for (const event of SAMPLES) {
    const properties = EVENT_SCHEMAS[event.kind].properties as Record<string, { pii?: string }>
    for (const facts of [event, { event }, { failure: { event } }])
      for (const [name, value] of Object.entries(event)) {
        const said = JSON.stringify({ [name]: value }).slice(1, -1)
        if (properties[name]?.pii === 'none') expect(logged(facts)).toContain(said)
        else if (properties[name]?.pii !== undefined) expect(logged(facts)).not.toContain(said)
      }
  }
})

test('secrets and raw bytes are hidden', () => {
  const line = logged({
    token: 't0ken',
    headers: { authorization: 'Bearer abc' },
    settings: { password: 'pass' },
    letter: { bytes: 'raw' },
  })
  for (const secret of ['t0ken', 'Bearer abc', '"pass"', 'raw']) expect(line).not.toContain(secret)
})

test('a line is one JSON object with level, time and service', () => {
  expect(JSON.parse(logged({ lag: 3 }))).toMatchObject({
    level: 30,
    service: 'scorestream',
    lag: 3,
    msg: 'said',
    time: expect.stringMatching(/Z$/),
  })
})
