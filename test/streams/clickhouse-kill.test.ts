/** The real warehouse process, killed again and again while an engine writes: nothing lost, nothing twice. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { openVault } from '#streams/embedded/vault.ts'
import type { WarehouseMessage } from '../../cli/warehouse-supervisor.ts'
import { appendPortfolio, openTestDirectory } from './support/warehouse-fixture.ts'

const KILLS = 12
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Started {
  readonly child: ChildProcess
  readonly url: string
  latest(): Extract<WarehouseMessage, { kind: 'progress' }> | undefined
}

const start = async (directory: string, environment: Record<string, string> = {}): Promise<Started> => {
  const child = fork(join(import.meta.dirname, '../../cli/warehouse-process.ts'), ['--data-dir', directory, '--sql-port', '0'], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '16', ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.push(child)
  let latest: Extract<WarehouseMessage, { kind: 'progress' }> | undefined
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (message) => {
      const said = message as WarehouseMessage
      if (said.kind === 'ready') resolve(`http://127.0.0.1:${said.sqlPort}`)
      else if (said.kind === 'progress') latest = said
      else if (said.kind === 'error') reject(new Error(said.message))
    })
    child.on('exit', (code, signal) => reject(new Error(`the process ended: ${String(code ?? signal)}`)))
  })
  return { child, url, latest: () => latest }
}

const ask = async (url: string, sql: string): Promise<string> => {
  const response = await fetch(url, { method: 'POST', body: sql })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text.trimEnd()
}

const end = async ({ child }: Started, signal: NodeJS.Signals): Promise<void> => {
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

describe('the warehouse process', () => {
  it(`survives ${KILLS} kills at arbitrary moments without losing or doubling a row`, { timeout: 180_000, retry: 0 }, async () => {
    const test = openTestDirectory()
    let events = 0
    let decisions = 0
    // What a random number would choose, from a seed that a failure can name: fractions of 400 ms after readiness.
    const seed = 20_261_121
    const pause = (round: number): number => (((seed * (round + 1) * 2_654_435_761) % 4_096) / 4_096) * 400
    try {
      for (let round = 0; round < KILLS; round++) {
        const running = await start(test.directory)
        const appended = appendPortfolio(test.log, 150)
        await delay(pause(round))
        await end(running, 'SIGKILL')
        const portfolio = await appended
        events += portfolio.events
        decisions += portfolio.applications
      }
      const last = await start(test.directory)
      while (last.latest()?.lag !== 0 || (await ask(last.url, 'SELECT count() FROM events FINAL')) !== String(events)) await delay(50)
      while ((await ask(last.url, 'SELECT count() FROM decisions_latest')) !== String(decisions)) await delay(50)
      // Sinks resume behind the table's own end, so the raw tables hold no repeats either; outcomes may, and their view hides them.
      expect(await ask(last.url, 'SELECT count() = uniqExact(partition, offset), uniqExact(partition, offset) FROM events')).toBe(
        `1\t${events}`,
      )
      expect(await ask(last.url, 'SELECT count() = uniqExact(partition, offset), uniqExact(partition, offset) FROM decisions')).toBe(
        `1\t${decisions}`,
      )
      expect(await ask(last.url, 'SELECT count(), uniqExact(partition, offset) FROM outcomes FINAL')).toBe(`${decisions}\t${decisions}`)
      expect(
        await ask(
          last.url,
          `SELECT sum(end) FROM (SELECT partition, max(offset) + 1 AS end, count() = end AS whole FROM events FINAL GROUP BY partition HAVING whole)`,
        ),
      ).toBe(String(events))
      await end(last, 'SIGTERM')
      expect(last.child.exitCode).toBe(0)
    } finally {
      for (const child of children.splice(0)) child.kill('SIGKILL')
      await test.remove()
    }
  })

  it('shows a first row soon after it was appended, mirrors the vault out of sight, asks for a configured password, and ends when told', async () => {
    const test = openTestDirectory()
    const vault = openVault(join(test.directory, 'vault'))
    await vault.put({ subject: 'tw-00001', producer: 'test', eventId: 'p1', attributes: { sex: 'female' }, bytes: new Uint8Array([1]) })
    await vault.close()
    try {
      const running = await start(test.directory, { SCORESTREAM_SQL_PASSWORD: 'open sesame' })
      expect((await fetch(running.url, { method: 'POST', body: 'SELECT 1' })).status).toBe(401)
      const authorization = `Basic ${Buffer.from('default:open sesame').toString('base64')}`
      const count = async (): Promise<string> =>
        (await fetch(running.url, { method: 'POST', body: 'SELECT count() > 0 FROM decisions', headers: { authorization } })).text()
      await appendPortfolio(test.log, 3)
      while ((await count()) !== '1\n') await delay(20)
      expect((await fetch(running.url, { method: 'POST', body: 'SELECT * FROM protected', headers: { authorization } })).status).toBe(403)
      await end(running, 'SIGTERM')
      expect(running.child.exitCode).toBe(0)
    } finally {
      await test.remove()
    }
  })

  it('ends when its parent is gone', async () => {
    const test = openTestDirectory()
    try {
      const running = await start(test.directory)
      const gone = once(running.child, 'exit')
      running.child.disconnect()
      await gone
      expect(running.child.exitCode).toBe(0)
    } finally {
      await test.remove()
    }
  })

  it('a port in use and a missing argument are told to the parent in words', async () => {
    const test = openTestDirectory()
    try {
      const first = await start(test.directory)
      const child = fork(join(import.meta.dirname, '../../cli/warehouse-process.ts'), ['--sql-port', '0'], {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      })
      children.push(child)
      let message: WarehouseMessage | undefined
      do [message] = (await once(child, 'message')) as [WarehouseMessage]
      while (message.kind === 'alive')
      expect(message).toMatchObject({ kind: 'error', code: 'usage', message: '--data-dir is required' })
      await expect(start(test.directory)).rejects.toThrow(/Another process may have it open|locked|lock/i)
      await end(first, 'SIGTERM')
    } finally {
      await test.remove()
    }
  })
})
