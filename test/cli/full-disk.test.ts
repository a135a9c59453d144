/** A disk that fills up under a running engine: a small tmpfs, which only root may mount; elsewhere the suite is skipped. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { audit } from '../crash/audit.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { eventsOf } from '../crash/events.ts'
import { Producer } from '../crash/producer.ts'
import { contradictions, undisturbed } from '../crash/undisturbed.ts'

const folder = mkdtempSync(join(tmpdir(), 'scorestream-full-disk-'))
const disk = mkdtempSync(join(tmpdir(), 'scorestream-small-disk-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', disk]).status === 0
if (!mounted) process.stderr.write('skipped: the full disk, for want of the right to mount a small one\n')
let engine: EngineProcess | undefined

/** Writes until nothing more fits. */
const fill = (path: string): void => {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(64 * 1024))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

afterAll(async () => {
  await engine?.kill()
  if (mounted) spawnSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
})

test.skipIf(!mounted)(
  'is answered 503 without losing anything, and taking events goes on by itself once there is room',
  { timeout: 60_000 },
  async () => {
    const dataDir = join(disk, 'data')
    engine = await startEngine(dataDir)
    const events = eventsOf(300)
    const producer = new Producer(events, { lanes: 2, lines: 50 })
    producer.pointAt(engine.http)
    const producing = producer.run()
    while (producer.ledger.size < events.length / 4) await new Promise((resolve) => setTimeout(resolve, 1))
    fill(join(disk, 'ballast'))
    while (producer.refusals.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect([...producer.refusals]).toEqual(['503 storage-unavailable'])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(engine.child.exitCode, engine.complaints().slice(-3000)).toBeNull()
    expect((await fetch(`${engine.http}/healthz`)).status).toBe(200)
    rmSync(join(disk, 'ballast'))
    await producing
    expect(await engine.end()).toBe(0)

    const result = await audit(dataDir, producer.ledger)
    expect(producer.complaints).toEqual([])
    expect(result).toMatchObject({ findings: [], inputs: events.length, applications: 300, decisions: 300 })
    expect(contradictions(result, await undisturbed(dataDir, join(folder, 'reference')))).toEqual([])
  },
)
