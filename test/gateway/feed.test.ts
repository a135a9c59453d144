import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { latest } from '#gateway/feed-start.ts'
import type { Gateway } from '#gateway/server.ts'
import { DEFAULT_LIMITS } from '#gateway/settings.ts'
import { claimRecord, decisionRecord } from './decision-records.ts'
import { FeedClient, refusedUpgrade } from './feed-client.ts'
import { PARTITIONS, reported, serve, SmallEngine } from './small-engine.ts'

let engine: SmallEngine
let gateway: Gateway
beforeEach(async () => {
  engine = new SmallEngine()
  gateway = await serve(engine)
})
afterEach(async () => {
  await gateway.close()
  expect(reported).toEqual([])
})

const next = Array.from({ length: PARTITIONS }, () => 0)
beforeEach(() => next.fill(0))
/** Decides the next input position of a partition; returns the decision's id. */
const decide = (partition: number, facts: { outcome?: string; applicant?: string; pad?: string; epoch?: number } = {}): string => {
  const at = next[partition] ?? 0
  next[partition] = at + 1
  engine.log.put('decisions', partition, decisionRecord(partition, at, facts.epoch ?? 0, facts))
  return `${partition}-${at}`
}
const ids = (client: FeedClient) => client.decisions.map(({ decisionId }) => decisionId)
const turn = (ms = 1) => new Promise((wake) => setTimeout(wake, ms))

describe('live', () => {
  test('every decision arrives once, in the order of its partition, with the public shape', async () => {
    const client = new FeedClient(gateway)
    await client.until(() => client.told.length === 1)
    expect(client.told[0]).toMatchObject({ kind: 'conflated', skipped: { approve: 0, refer: 0, decline: 0 } })
    const expected = Array.from({ length: 300 }, (_, i) => decide(i % PARTITIONS))
    await client.until(() => client.decisions.length === 300)
    for (let p = 0; p < PARTITIONS; p++)
      expect(ids(client).filter((id) => id.startsWith(`${p}-`))).toEqual(expected.filter((id) => id.startsWith(`${p}-`)))
    expect(client.decisions[0]).toMatchObject({ kind: 'decision', decision: 'approve', probability: 0.125, reasons: [{ rank: 1 }] })
    await client.cut()
  })

  test('filters select by decision, product and applicant', async () => {
    const declined = new FeedClient(gateway, '?filter=decision:decline|refer')
    const both = new FeedClient(gateway, '?filter=product:mortgage,applicant:x|y')
    const all = new FeedClient(gateway)
    await Promise.all([declined.opened, both.opened, all.opened])
    decide(0, { applicant: 'x' })
    decide(0, { applicant: 'x', outcome: 'decline' })
    decide(0, { applicant: 'y', outcome: 'refer' })
    decide(0, { applicant: 'y' })
    await all.until(() => all.decisions.length === 4)
    await declined.until(() => declined.decisions.length === 2)
    await both.until(() => both.decisions.length === 2)
    expect(ids(declined)).toEqual(['0-1', '0-2'])
    expect(ids(both)).toEqual(['0-1', '0-3'])
    await Promise.all([declined.cut(), both.cut(), all.cut()])
  })

  test.each([
    ['?filter=colour:red', 'invalid-parameter'],
    ['?filter=decision:maybe', 'invalid-parameter'],
    ['?filter=decision', 'invalid-parameter'],
    ['?mode=fast', 'invalid-parameter'],
    ['?after=nonsense', 'invalid-cursor'],
    ['?after=AQM', 'invalid-cursor'],
    [`?after=${'A'.repeat(3_000)}`, 'invalid-cursor'],
  ])('%s is refused before the upgrade', async (query, code) => {
    expect(await refusedUpgrade(gateway, query)).toEqual({ status: 400, code })
  })

  test('more subscribers than places are refused with 503, and a place freed is taken', async () => {
    const small = await serve(engine, { limits: { ...DEFAULT_LIMITS, subscribersMax: 1 } })
    const first = new FeedClient(small)
    await first.opened
    expect(await refusedUpgrade(small, '')).toEqual({ status: 503, code: 'overloaded' })
    await first.cut()
    await expect.poll(() => small.counters.subscribers).toBe(0)
    const second = new FeedClient(small)
    await second.opened
    await small.close()
    expect(await second.closed).toBe(1001)
  })

  test('asked without an upgrade it says that it is a WebSocket', async () => {
    expect((await fetch(`${gateway.url}/v1/feed`)).status).toBe(426)
  })
})

describe('belief', () => {
  test('decisions of an owner that was superseded are not shown, repeats are shown once', async () => {
    const client = new FeedClient(gateway)
    await client.opened
    decide(0)
    engine.log.put('decisions', 0, decisionRecord(0, 0, 0))
    const epoch = engine.log.put('decisions', 0, claimRecord('second'))
    engine.log.put('decisions', 0, decisionRecord(0, 1, 0, { outcome: 'decline' }))
    engine.log.put('decisions', 0, decisionRecord(0, 1, epoch, { outcome: 'refer' }))
    engine.log.put('decisions', 0, decisionRecord(0, 0, epoch))
    engine.log.put('decisions', 0, decisionRecord(0, 2, epoch))
    await client.until(() => client.decisions.length === 3)
    await turn(20)
    expect(client.decisions.map(({ decisionId, decision }) => [decisionId, decision])).toEqual([
      ['0-0', 'approve'],
      ['0-1', 'refer'],
      ['0-2', 'approve'],
    ])
    await client.cut()
  })

  test('a reader that starts at the end believes what one that read everything believes', async () => {
    for (let i = 0; i < 700; i++) decide(0)
    const epoch = engine.log.put('decisions', 0, claimRecord('second'))
    for (let i = 0; i < 10; i++) engine.log.put('decisions', 0, decisionRecord(0, 700 + i, 0))
    const state = await latest(engine.log)
    expect([state.next[0], state.epoch[0], state.decided[0]]).toEqual([712, epoch, 699])
    for (let i = 0; i < 400; i++) engine.log.put('decisions', 0, decisionRecord(0, 700 + i, epoch))
    const later = await latest(engine.log)
    expect([later.next[0], later.epoch[0], later.decided[0]]).toEqual([1_112, epoch, 1_099])
    expect([later.next[1], later.epoch[1], later.decided[1]]).toEqual([1, 0, -1])
  })

  test('a record that does not decode is reported and passed over', async () => {
    const client = new FeedClient(gateway)
    await client.opened
    decide(1)
    engine.log.put('decisions', 1, Buffer.from('garbage'))
    decide(1)
    await client.until(() => client.decisions.length === 2)
    expect(reported.splice(0).join()).toContain('does not decode')
    await client.cut()
  })
})

describe('resuming', () => {
  test('with cursors across reconnects under a running producer there is no gap and no repeat', async () => {
    const expected: string[] = []
    const producer = { running: true }
    const produced = (async () => {
      for (let i = 0; i < 3_000; i++) {
        // Takeovers, zombies and repeats on the way.
        const p = (i * 7) % PARTITIONS
        expected.push(decide(p, { epoch: 0, pad: 'x'.repeat(i % 500) }))
        if (i % 50 === 0) engine.log.put('decisions', p, decisionRecord(p, (next[p] ?? 1) - 1, 0))
        if (i % 20 === 0) await turn()
      }
      producer.running = false
    })()
    const got: string[] = []
    let cursor = 'earliest'
    let connections = 0
    while (producer.running || got.length < expected.length) {
      const client = new FeedClient(gateway, `?after=${cursor}`)
      await client.opened
      connections++
      const stopAfter = 1 + ((connections * 97) % 400)
      await client.until(
        () => client.told.length >= stopAfter || (!producer.running && got.length + client.decisions.length >= expected.length),
      )
      await client.cut()
      got.push(...ids(client))
      if (client.told.length > 0) cursor = client.cursor
    }
    await produced
    expect(connections).toBeGreaterThan(5)
    expect(got.length).toBe(expected.length)
    for (let p = 0; p < PARTITIONS; p++)
      expect(got.filter((id) => id.startsWith(`${p}-`))).toEqual(expected.filter((id) => id.startsWith(`${p}-`)))
  })

  test('a cursor survives a restart of the gateway, and carries belief over a claim', async () => {
    const client = new FeedClient(gateway)
    await client.opened
    decide(0)
    const epoch = engine.log.put('decisions', 0, claimRecord('second'))
    decide(0, { epoch })
    await client.until(() => client.decisions.length === 2)
    await gateway.close()
    engine.log.put('decisions', 0, decisionRecord(0, 1, epoch))
    engine.log.put('decisions', 0, decisionRecord(0, 2, 0, { outcome: 'decline' }))
    decide(0, { epoch })
    gateway = await serve(engine)
    const resumed = new FeedClient(gateway, `?after=${client.cursor}`)
    await resumed.until(() => resumed.decisions.length === 1)
    await turn(20)
    expect(resumed.decisions.map(({ decisionId, decision }) => [decisionId, decision])).toEqual([['0-2', 'approve']])
    await resumed.cut()
  })

  test('after=-n begins about n decisions ago, also across claims, and never shows what is not believed', async () => {
    for (let i = 0; i < 600; i++) decide(i % PARTITIONS)
    const early = new FeedClient(gateway, '?after=-30')
    await early.until(() => early.decisions.length === 30)
    const epoch = engine.log.put('decisions', 0, claimRecord('second'))
    engine.log.put('decisions', 0, decisionRecord(0, 200, 0, { outcome: 'decline' }))
    engine.log.put('decisions', 0, decisionRecord(0, 200, epoch, { outcome: 'refer' }))
    await early.until(() => early.decisions.length === 31)
    const late = new FeedClient(gateway, '?after=-9')
    await late.until(() => late.decisions.length === 7)
    await turn(20)
    expect(late.decisions.map(({ decisionId, decision }) => `${decisionId} ${decision}`)).toEqual(
      expect.arrayContaining(['0-200 refer', '1-199 approve', '2-197 approve']),
    )
    expect(late.decisions.length).toBe(7)
    await Promise.all([early.cut(), late.cut()])
  })

  test('a cursor older than what is held is refused with 410', async () => {
    const client = new FeedClient(gateway)
    await client.opened
    decide(0)
    await client.until(() => client.decisions.length === 1)
    const { cursor } = client
    for (let i = 0; i < 5; i++) decide(0)
    engine.log.trim('decisions', [4, 0, 0])
    await client.cut()
    expect(await refusedUpgrade(gateway, `?after=${cursor}`)).toEqual({ status: 410, code: 'cursor-expired' })
  })

  test('a cursor beyond the end of the log is of another log', async () => {
    const other = await serve(new SmallEngine())
    const client = new FeedClient(gateway)
    await client.opened
    decide(0)
    await client.until(() => client.decisions.length === 1)
    expect(await refusedUpgrade(other, `?after=${client.cursor}`)).toEqual({ status: 400, code: 'invalid-cursor' })
    await client.cut()
    await other.close()
  })
})

describe('a slow reader', () => {
  const PAD = 'x'.repeat(20_000)
  const COUNT = 3_000
  const slow = async (query: string) => {
    const small = await serve(engine, { limits: { ...DEFAULT_LIMITS, feedBufferBytesMax: 64 << 10 } })
    const client = new FeedClient(small, query)
    const quick = new FeedClient(small)
    await Promise.all([client.opened, quick.opened])
    client.socket.pause()
    for (let i = 0; i < COUNT; i++) {
      decide(i % PARTITIONS, { pad: PAD, outcome: i % 3 === 0 ? 'decline' : 'approve' })
      if (i % 50 === 0) await turn()
    }
    await quick.until(() => quick.decisions.length === COUNT)
    await expect.poll(() => small.counters.feed.slowed).toBeGreaterThan(0)
    client.socket.resume()
    return { client, quick, small }
  }

  test('gets everything in order by default, without delaying others', async () => {
    const { client, quick, small } = await slow('')
    await client.until(() => client.decisions.length >= COUNT)
    for (let p = 0; p < PARTITIONS; p++)
      expect(ids(client).filter((id) => id.startsWith(`${p}-`))).toEqual(ids(quick).filter((id) => id.startsWith(`${p}-`)))
    expect(
      client.told.filter(({ kind }) => kind === 'conflated').every(({ skipped }) => Object.values(skipped).every((n) => n === 0)),
    ).toBe(true)
    await Promise.all([client.cut(), quick.cut()])
    await small.close()
  })

  test('with mode=live gets counts for exactly what was left out, then goes on live', async () => {
    const { client, quick, small } = await slow('?mode=live')
    const skipped = () =>
      client.told.reduce((sum, { kind, skipped }) => sum + (kind === 'conflated' ? Object.values(skipped).reduce((a, b) => a + b) : 0), 0)
    await client.until(() => skipped() > 0)
    await turn(50)
    const last = decide(0)
    await client.until(() => ids(client).at(-1) === last)
    expect(skipped()).toBeGreaterThan(0)
    expect(client.decisions.length + skipped()).toBe(COUNT + 1)
    expect(new Set(ids(client)).size).toBe(client.decisions.length)
    await Promise.all([client.cut(), quick.cut()])
    await small.close()
  })
})
