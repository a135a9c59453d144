/** The real warehouse process under its supervisor, stopped, and held in a call into its engine: killed, restarted, nothing lost, nothing twice. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { superviseWarehouse, type SupervisedWarehouse } from '../../cli/warehouse-supervisor.ts'
import { ALIVE_MS, type Patience, WarehouseWatchdog } from '../../cli/warehouse-watchdog.ts'
import { appendPortfolio, openTestDirectory } from '../streams/support/warehouse-fixture.ts'

/** Nothing here may take longer, on whatever machine. */
const MS_MAX = 90_000

describe('the watchdog', () => {
  const patience: Patience = { startMsMax: 6 * ALIVE_MS, silenceMsMax: 4 * ALIVE_MS, callMsMax: 10_000 }

  test('speaks of silence only after as many looks as the patience has, and hears one word', () => {
    const watchdog = new WarehouseWatchdog(patience)
    const quiet = (looks: number): void => expect(Array.from({ length: looks }, () => watchdog.look()).filter(Boolean)).toEqual([])
    quiet(6)
    watchdog.ready()
    quiet(4)
    watchdog.heard(0)
    quiet(4)
    expect(watchdog.look()).toBe('it has not said a word for 2 s')
    watchdog.reset()
    quiet(6)
    expect(watchdog.look()).toBe('it has not said a word for 3 s')
  })

  test('a call that is older than the patience is named with its age, and forgotten with its process', () => {
    const watchdog = new WarehouseWatchdog(patience)
    watchdog.heard(10_000)
    expect(watchdog.look()).toBeUndefined()
    watchdog.heard(61_200)
    expect(watchdog.look()).toBe('a call into its engine has not returned for 61 s, at most 10 s are waited')
    watchdog.reset()
    expect(watchdog.look()).toBeUndefined()
  })
})

test('a process that gave itself an end has it, whatever its thread does', { timeout: MS_MAX }, async () => {
  const program = `import { endWithin } from ${JSON.stringify(join(import.meta.dirname, '../../cli/end-without-fail.ts'))}; endWithin(1); for (;;);`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
  expect(await once(child, 'exit')).toEqual([null, 'SIGALRM'])
})

describe('a warehouse process that hangs', () => {
  let directory: ReturnType<typeof openTestDirectory>
  let warehouse: SupervisedWarehouse | undefined
  const lines: { level: string; msg: string }[] = []
  beforeEach(() => {
    lines.length = 0
    directory = openTestDirectory()
  })
  afterEach(async () => {
    const pid = warehouse?.status().pid
    if (pid !== undefined) process.kill(pid, 'SIGCONT')
    await warehouse?.stop()
    await directory.remove()
  })

  const start = async (patience: Patience): Promise<SupervisedWarehouse> => {
    const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) })
    warehouse = superviseWarehouse({ args: ['--data-dir', directory.directory, '--sql-port', '0'], logger, patience })
    await warehouse.ready
    return warehouse
  }

  const ask = async (running: SupervisedWarehouse, sql: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${running.status().sqlPort}`, { method: 'POST', body: sql })).text()

  /** Whatever it asks while the process is away counts as not yet. */
  const until = async (what: string, reached: () => Promise<boolean> | boolean): Promise<void> => {
    const end = performance.now() + MS_MAX
    while (!(await Promise.resolve(reached()).catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited ${MS_MAX / 1_000} s in vain until ${what}`)
      await delay(50)
    }
  }

  const rowsAreWhole = async (running: SupervisedWarehouse, events: number): Promise<void> => {
    await until('every event is in the table', async () => (await ask(running, 'SELECT count() FROM events FINAL')).trim() === `${events}`)
    expect(await ask(running, 'SELECT count() = uniqExact(partition, offset) FROM events')).toBe('1\n')
  }

  test('stopped by a signal, it is killed and another goes on behind its own rows', { timeout: 3 * MS_MAX }, async () => {
    const running = await start({ startMsMax: MS_MAX, silenceMsMax: 8_000, callMsMax: 60_000 })
    let { events } = await appendPortfolio(directory.log, 100)
    const { pid } = running.status()
    process.kill(pid!, 'SIGSTOP')
    events += (await appendPortfolio(directory.log, 100)).events
    await until('another process runs', () => running.status().state === 'ready' && running.status().pid !== pid)
    await rowsAreWhole(running, events)
    expect(running.status().hangs).toBeGreaterThan(0)
    expect(lines.map(({ msg }) => msg)).toContain('the warehouse process hangs: it has not said a word for 8 s; killing it')
  })

  test('held in a call into its engine, it is killed and another goes on', { timeout: 3 * MS_MAX }, async () => {
    const running = await start({ startMsMax: MS_MAX, silenceMsMax: 60_000, callMsMax: 8_000 })
    const { events } = await appendPortfolio(directory.log, 50)
    await rowsAreWhole(running, events)
    // One call of 25 s, in sleeps as long as the engine allows; whoever asked loses the connection.
    const sleeps = Array.from({ length: 10 }, (_, at) => `sleep(2.${at + 1})`)
    await expect(ask(running, `SELECT ${sleeps.join(', ')} FORMAT JSON`)).rejects.toThrow()
    await until('the hang is counted', () => running.status().hangs > 0)
    expect(lines.map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/hangs: a call into its engine has not returned for \d+ s, at most 8 s are waited; killing it/),
    )
    await until('another process runs', () => running.status().state === 'ready')
    await rowsAreWhole(running, events)
  })
})
