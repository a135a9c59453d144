import { expect, test } from 'vitest'
import { EventBatch } from '#streams/import/target/event-target.ts'
import { httpTarget } from '#streams/import/target/http-target.ts'
import { payment, serve, SmallEngine } from '../gateway/small-engine.ts'

const batch = (...events: object[]): EventBatch => EventBatch.of(events.map((event) => JSON.stringify(event)))

test('an engine that is overloaded is asked again in order; repeats are duplicates; what it refuses is told with its place', async () => {
  const engine = new SmallEngine()
  const gateway = await serve(engine)
  try {
    const events = Array.from({ length: 700 }, (_, at) => ({ ...payment(), eventId: `e${at}` }))
    const target = httpTarget(gateway.url, undefined)
    const { ingest } = engine
    let calls = 0
    // The second call of a batch finds it full once: its lines, and all behind them, come back untried.
    engine.ingest = (incoming) =>
      ++calls === 2 ? Promise.reject(Object.assign(new Error('full'), { code: 'overloaded' })) : ingest(incoming)
    expect(await target.deliver(batch(...events))).toEqual({ accepted: 700, duplicates: 0, refused: [] })
    const changed = events.map((event, at) => (at === 3 ? { ...event, amount: 7 } : event))
    expect(await target.deliver(batch(...changed))).toMatchObject({
      accepted: 0,
      duplicates: 699,
      refused: [{ index: 3, code: 'duplicate-conflict' }],
    })
    expect(target.position()).toBe(1_400)
  } finally {
    await gateway.close()
  }
})

test('an address that is no engine ends the import with what to do', async () => {
  const gateway = await serve(new SmallEngine())
  try {
    await expect(httpTarget(`${gateway.url}/elsewhere`, undefined).deliver(batch(payment()))).rejects.toThrow(
      /answered 404.*look whether the address is that of an engine.*--resume/,
    )
  } finally {
    await gateway.close()
  }
})
