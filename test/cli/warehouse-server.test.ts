/** The warehouse's process with its tables on a server: it does not wait for the server, and tells its parent of the absence. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openVault } from '#streams/embedded/vault.ts'
import type { WarehouseMessage } from '../../cli/warehouse-supervisor.ts'
import { ClickHouseServer } from '../streams/support/clickhouse-server.ts'
import { appendPortfolio, openTestDirectory } from '../streams/support/warehouse-fixture.ts'

const PROCESS = join(import.meta.dirname, '../../cli/warehouse-process.ts')
type Progress = Extract<WarehouseMessage, { kind: 'progress' }>

let server: ClickHouseServer
let directory: ReturnType<typeof openTestDirectory>
let child: ChildProcess | undefined
beforeEach(async () => {
  server = new ClickHouseServer()
  directory = openTestDirectory()
  await server.start()
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await server.remove()
  await directory.remove()
})

const start = (messages: WarehouseMessage[], password?: string): ChildProcess => {
  const settings = server.settings({}, password)
  const started = fork(PROCESS, ['--data-dir', directory.directory, '--server', JSON.stringify(settings)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  started.on('message', (message) => messages.push(message as WarehouseMessage))
  return started
}
const progress = async (messages: readonly WarehouseMessage[], reached: (last: Progress) => boolean): Promise<Progress> => {
  for (;;) {
    const last = messages.findLast((message) => message.kind === 'progress')
    if (last !== undefined && reached(last)) return last
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('it is ready while the server is away, reconciles meanwhile, and fills the tables once it is back', { timeout: 120_000 }, async () => {
  const { events, applications } = await appendPortfolio(directory.log, 80)
  const vault = openVault(join(directory.directory, 'vault'))
  await vault.put({ subject: 'tw-00001', producer: 'test', eventId: 'p1', attributes: { sex: 'f' }, bytes: Buffer.from('p1') })
  await vault.close()
  await server.kill()
  const messages: WarehouseMessage[] = []
  child = start(messages)
  const away = await progress(messages, (last) => last.away !== null && last.reconciliation?.decided === applications)
  expect(messages.find(({ kind }) => kind !== 'alive')).toEqual({ kind: 'ready', sqlPort: null })
  expect(away.away?.reason).toMatch(/ECONNREFUSED/)
  expect(away.lag).toBeGreaterThanOrEqual(events)
  expect(away.reconciliation).toMatchObject({ lost: 0, conflicting: 0 })
  await server.start()
  const back = await progress(messages, (last) => last.lag === 0 && last.rows['events'] === events)
  expect(back).toMatchObject({ away: null, rows: { decisions: applications } })
  const waits = 'SELECT count() AS rows FROM reconciliation'
  for (let [rows] = await server.ask<{ rows: number }>(waits); rows?.rows === 0; [rows] = await server.ask<{ rows: number }>(waits))
    await new Promise((resolve) => setTimeout(resolve, 100))
  await expect(server.ask('SELECT * FROM protected')).rejects.toThrow(/not readable here/)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

test('it ends with the server’s words where that refuses it', { timeout: 60_000 }, async () => {
  const messages: WarehouseMessage[] = []
  child = start(messages, 'wrong')
  await once(child, 'exit')
  expect(messages.find((message) => message.kind === 'error')).toMatchObject({ message: expect.stringMatching(/Authentication failed/) })
})
