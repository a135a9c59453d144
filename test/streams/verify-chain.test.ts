/** What verify-chain calls a fault, and what it does not. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { verifyChain } from '#streams/verify-chain.ts'
import { applicationEvent, DecidedLog } from './support/decided-log.ts'
import { openTestDirectory } from './support/warehouse-fixture.ts'

let test: ReturnType<typeof openTestDirectory>
let written: DecidedLog
let epoch: number
let first: string
let second: string
beforeEach(async () => {
  test = openTestDirectory()
  written = new DecidedLog(test.log)
  await written.input(...['e0', 'e1', 'e2'].map((id) => applicationEvent(id)))
  epoch = await written.claim()
  ;[first] = (await written.decide({ at: 0, epoch })) as [string]
  ;[second] = (await written.decide({ at: 1, epoch, previousHash: first })) as [string]
})
afterEach(() => test.remove())

it('an append that was tried again leaves interleaved repeats (A B A B), which are counted and no fault, and the chain goes on behind them', async () => {
  await written.decide({ at: 0, epoch }, { at: 1, epoch, previousHash: first })
  await written.decide({ at: 2, epoch, previousHash: second })
  expect(await verifyChain(test.log, 0)).toMatchObject({ decisions: 3, repeated: 2, faults: [] })
})

it('a repeat under a newer claim is harmless too, and one of a superseded owner is ignored', async () => {
  const newer = await written.claim()
  await written.decide({ at: 1, epoch: newer, previousHash: first }, { at: 0, epoch, content: 3 })
  expect(await verifyChain(test.log, 0)).toMatchObject({ decisions: 2, repeated: 1, ignored: 1, faults: [] })
})

it('another content at a position decided before is a fault, also when others lie between', async () => {
  await written.decide({ at: 0, epoch, content: 1 })
  expect(await verifyChain(test.log, 0)).toMatchObject({ decisions: 2, repeated: 0, faults: [{ code: 'two-contents', at: 3 }] })
})

it('a position decided after a later one, for the first time, is out of order', async () => {
  const [third] = (await written.decide({ at: 4, epoch, previousHash: second })) as [string]
  await written.decide({ at: 3, epoch, previousHash: third })
  expect(await verifyChain(test.log, 0)).toMatchObject({ faults: [{ code: 'order', at: 4 }] })
})

it('a repeat from further back than is remembered is looked up in the log', async () => {
  let previousHash = second
  for (let at = 2; at < 5_002; at++) [previousHash] = (await written.decide({ at, epoch, previousHash })) as [string]
  await written.decide({ at: 0, epoch })
  expect(await verifyChain(test.log, 0)).toMatchObject({ decisions: 5_002, repeated: 1, faults: [] })
})
