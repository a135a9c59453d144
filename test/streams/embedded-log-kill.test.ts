import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openEventLog, topicPartitions } from '#streams/embedded/event-log.ts'
import { silentLogger } from '#streams/logger.ts'
import { epochMs } from '#schemas/units.ts'

/** Delays after the first acknowledgement at which the child is killed; a small linear congruential sequence from a printed seed. */
const SEED = 20261121
const delaysMs = Array.from({ length: 5 }, (_, i) => ((SEED * (i + 1) * 7919) % 120) + 5)

it(`nothing acknowledged is lost when the writer is killed at random moments (seed ${SEED})`, { timeout: 60_000, retry: 0 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-kill-'))
  const ledger = new Map<string, string>()
  for (const [round, delayMs] of delaysMs.entries()) {
    for (const [position, value] of await killedAfter(folder, `${SEED}.${round}`, delayMs)) {
      expect(ledger.has(position), `position ${position} acknowledged twice`).toBe(false)
      ledger.set(position, value)
    }
  }
  expect(ledger.size).toBeGreaterThan(100)
  const log = openEventLog({
    folder,
    partitions: topicPartitions(3),
    clock: { now: () => epochMs(Date.now()) },
    durability: 'process-kill',
    logger: silentLogger,
  })
  const held = new Map<string, string>()
  for (let partition = 0; partition < 3; partition++)
    for (let next = 0; next < (log.end('credit-events')[partition] as number);)
      for (const record of await log.read('credit-events', partition, next, 1_000_000)) {
        expect(record.offset).toBe(next++)
        held.set(`${partition} ${record.offset}`, Buffer.from(record.value).toString())
      }
  for (const [position, value] of ledger) expect(held.get(position)?.startsWith(`${value}:`), `record ${position}`).toBe(true)
  await log.close()
  rmSync(folder, { recursive: true })
})

const killedAfter = (folder: string, seed: string, delayMs: number): Promise<Map<string, string>> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'log-writer-child.ts'), folder, seed],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let out = ''
    let failed = ''
    let timer: NodeJS.Timeout | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      timer ??= setTimeout(() => child.kill('SIGKILL'), delayMs)
    })
    child.stderr.on('data', (chunk: Buffer) => (failed += chunk.toString()))
    child.on('error', reject)
    child.on('close', (_, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the writer ended by itself: ${failed}`))
      // The last line may be half printed: only whole lines count as acknowledged.
      const lines = out.slice(0, out.lastIndexOf('\n')).split('\n')
      resolve(
        new Map(
          lines.map((line) => {
            const [p, o, v] = line.split(' ')
            return [`${p} ${o}`, v as string]
          }),
        ),
      )
    })
  })
