import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ProducedEvent } from '#schemas/events.ts'
import { applicantId, epochMs, moneyMinor } from '#schemas/units.ts'
import { decodeDeadLetter } from '#schemas/wire.ts'
import { openVault } from '#streams/embedded/vault.ts'
import { findDecision } from '#streams/find-decision.ts'
import { Ingest } from '#streams/ingest.ts'
import type { Vault } from '#streams/ports.ts'
import { Waiters } from '#streams/waiters.ts'
import { application, closeWorld, newFolder, openWorld, payment, T0, type World } from './support/embedded.ts'

let folder: string
let world: World
let vault: Vault
let ingest: Ingest
const open = async () => {
  world = openWorld(folder)
  vault = openVault(join(folder, 'vault'))
  ingest = new Ingest({ engine: world.engine, log: world.log, clock: { now: () => epochMs(T0 + 1_000_000) }, vault })
  await world.engine.start()
}
const close = async () => {
  await closeWorld(world)
  await vault.close()
}
beforeEach(async () => {
  folder = newFolder()
  await open()
})
afterEach(async () => {
  await close()
  rmSync(folder, { recursive: true })
})
const send = async (...events: ProducedEvent[]) =>
  ingest.ingest(events.map((event) => ({ event, bytes: Buffer.from(JSON.stringify(event)) })))
const statuses = async (...events: ProducedEvent[]) => (await send(...events)).map((r) => r.status)
const sensitive = (subject: string, n: number, sex: string): ProducedEvent => ({
  kind: 'protected',
  eventId: `p${n}`,
  applicantId: applicantId(subject),
  eventTime: epochMs(T0),
  producer: 'test',
  attributes: { sex },
})

it('a repeat is a duplicate of the first position at every moment: in one batch, before the fold, after it, and after a restart', async () => {
  const [first, again] = await send(payment('c1', 1), payment('c1', 1))
  expect(first?.status).toBe('accepted')
  expect(again).toEqual({ status: 'duplicate', position: first?.position })
  const [flying, atOnce] = await Promise.all([send(payment('c1', 2)), send(payment('c1', 2))])
  expect([flying[0]?.status, atOnce[0]?.status]).toEqual(['accepted', 'duplicate'])
  await world.engine.drain()
  expect((await send(payment('c1', 2)))[0]).toEqual({ status: 'duplicate', position: flying[0]?.position })
  await close()
  await open()
  expect((await send(payment('c1', 2)))[0]).toEqual({ status: 'duplicate', position: flying[0]?.position })
  expect(world.log.end('credit-events').reduce((a, b) => a + b)).toBe(2)
})

it('the same id with other content is a conflict with a dead letter, in flight and later', async () => {
  const other = payment('c1', 1, { amount: moneyMinor(7) })
  expect(await statuses(payment('c1', 1), other)).toEqual(['accepted', 'conflict'])
  await world.engine.drain()
  expect(await statuses(other)).toEqual(['conflict'])
  const letters = await world.log.read('dead-letters', 0, 0, 1e6)
  expect(letters).toHaveLength(2)
  const parsed = decodeDeadLetter(letters[0]?.value as Uint8Array)
  expect(parsed).toMatchObject({ kind: 'accepted', value: { code: 'duplicate-conflict', source: 'http', partition: null } })
  expect(parsed.kind === 'accepted' && JSON.parse(Buffer.from(parsed.value.bytes).toString())).toMatchObject({ amount: 7 })
})

it('a time too far ahead is refused at the edge', async () => {
  expect(await send(payment('c1', 1, { eventTime: epochMs(T0 + 10 ** 9) }))).toMatchObject([
    { status: 'rejected', rejection: { code: 'too-far-ahead' } },
  ])
})

it('a waiter gets the decision as the log holds it; late ones and those beyond the places get nothing', async () => {
  const waiters = new Waiters(2)
  world.engine.decisions.subscribe((decisions) => waiters.offer(decisions))
  const event = application('c1', 1)
  const waiter = waiters.wait(event, 5000)
  const never = waiters.wait(application('c9', 9), 5)
  expect(waiters.wait(application('c8', 8), 5)).toBeUndefined()
  const [result] = await send(event)
  const decision = await waiter?.decision
  expect(decision?.body).toMatchObject({ applicationId: 'A-c1-1', offset: result?.position?.offset })
  expect(await never?.decision).toBeUndefined()
  expect(waiters.taken).toBe(0)
  expect(await findDecision(world.log, result?.position?.partition as number, result?.position?.offset as number)).toEqual(decision)
})

it('every decision is found by its input position and nothing is found elsewhere', async () => {
  for (let n = 0; n < 60; n++) await send(payment(`c${n % 4}`, n), ...(n % 3 === 0 ? [application(`c${n % 5}`, n)] : []))
  await world.engine.drain()
  let found = 0
  for (let p = 0; p < 3; p++)
    for (let o = 0; o <= (world.log.end('credit-events')[p] as number); o++) {
      const decision = await findDecision(world.log, p, o)
      if (decision === undefined) continue
      expect([decision.body.partition, decision.body.offset]).toEqual([p, o])
      found++
    }
  expect(found).toBe(20)
  expect(await findDecision(world.log, 77, 0)).toBeUndefined()
})

it('protected attributes reach the vault and nothing else; erasure leaves no way to read them', async () => {
  expect(
    await statuses(
      sensitive('c1', 1, 'secret-value'),
      sensitive('c1', 1, 'secret-value'),
      sensitive('c1', 1, 'other'),
      sensitive('c2', 2, 'x'),
    ),
  ).toEqual(['accepted', 'duplicate', 'conflict', 'accepted'])
  expect(vault.read(0, 10)).toEqual([
    { sequence: 0, subject: 'c1', attributes: { sex: 'secret-value' } },
    { sequence: 1, subject: 'c2', attributes: { sex: 'x' } },
  ])
  await world.engine.drain()
  expect(world.log.end('credit-events')).toEqual([0, 0, 0])
  expect(world.log.end('dead-letters')).toEqual([0, 0, 0])
  await vault.erase('c1')
  await close()
  await open()
  expect(vault.read(0, 10)).toEqual([
    { sequence: 1, subject: 'c2', attributes: { sex: 'x' } },
    { sequence: 2, subject: 'c1', attributes: null },
  ])
  const { execFileSync } = await import('node:child_process')
  const hits = execFileSync('sh', ['-c', `grep -rl secret-value ${folder} || true`]).toString()
  expect(hits).toBe('')
})
