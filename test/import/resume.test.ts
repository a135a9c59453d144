import { spawn } from 'node:child_process'
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'
import { runImport } from '#streams/import/run-import.ts'
import { ndjsonTarget } from '#streams/import/target/ndjson-target.ts'
import { withFolder } from './import-world.ts'

const MAPPING = `mapping: moves
title: Account movements
producer: moves
tables:
  moves:
    applicant: =client
    events:
      - kind: transaction
        time: =date(day, 'YYYY-MM-DD')
        fields: { accountId: =client & '.1', amount: =money(amount), currency: EUR, direction: in, category: salary }
`
const WRITTEN = new Date('2024-05-01T12:00:00Z')
const ROWS = 20_000
/** Every hundredth row cannot be read. Days go back and forth, so that order has to be made. */
const csv = (): string => {
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const day = new Date(Date.UTC(2020, 0, 1 + ((row * 7919) % 1000))).toISOString().slice(0, 10)
    return `c${row % 97},${day},${row % 100 === 7 ? 'n/a' : row + 0.25}`
  })
  return `client,day,amount\n${rows.join('\n')}\n`
}

const CHILD = join(import.meta.dirname, 'import-child.ts')

/** Runs the child, which kills itself at its `killAt`-th sign of life; gives whether it came to the end. */
const runChild = (args: readonly string[], killAt: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, ...args, String(killAt)], { stdio: ['ignore', 'ignore', 'inherit'] })
    child.once('error', reject)
    child.once('close', (code, signal) =>
      code === 0 || signal === 'SIGKILL' ? resolve(code === 0) : reject(new Error(`ended with ${code ?? signal}`)),
    )
  })

test(
  'an import killed again and again gives the events and rejects of one that was not, none twice',
  { timeout: 60_000, retry: 0 },
  async () => {
    await withFolder(async (folder) => {
      const [mappingFile, data, out, whole] = ['moves.yaml', 'moves.csv', 'out.ndjson', 'whole.ndjson'].map((name) =>
        join(folder, name),
      ) as [string, string, string, string]
      writeFileSync(mappingFile, MAPPING)
      writeFileSync(data, csv())
      expect(await runChild([mappingFile, data, whole, join(folder, 'work-whole')], Infinity)).toBe(true)
      const args = [mappingFile, data, out, join(folder, 'work')]
      // Before anything was kept, among the runs, at the last rows, while delivering: 206 signs in all, fewer after each kept run.
      for (const killAt of [1, 90, 60, 45, 16, 2]) expect(await runChild(args, killAt)).toBe(false)
      expect(await runChild(args, Infinity)).toBe(true)
      expect(readFileSync(out, 'utf8') === readFileSync(whole, 'utf8')).toBe(true)
      expect(readFileSync(`${out}.rejects`, 'utf8') === readFileSync(`${whole}.rejects`, 'utf8')).toBe(true)
      const ids = readFileSync(out, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { eventId: string }).eventId)
      expect(ids).toHaveLength(ROWS - ROWS / 100)
      expect(new Set(ids).size).toBe(ids.length)
      expect([existsSync(join(folder, 'work')), existsSync(`${out}.partial`)]).toEqual([false, false])
    })
  },
)

test('an interrupted import is not overwritten unasked, and does not go on with files that changed', async () => {
  await withFolder(async (folder) => {
    const [data, out] = [join(folder, 'moves.csv'), join(folder, 'out.ndjson')]
    writeFileSync(data, csv())
    utimesSync(data, WRITTEN, WRITTEN)
    const run = (resume: boolean, fail: boolean) =>
      runImport({
        mapping: readMapping(MAPPING, 'moves'),
        mappingText: MAPPING,
        given: [data],
        withProtected: false,
        folder: join(folder, 'work'),
        resume,
        rejectsFile: null,
        target: (position) => (fail ? Promise.reject(new Error('the target is away')) : Promise.resolve(ndjsonTarget(out, position))),
      })
    await expect(run(false, true)).rejects.toThrow('the target is away')
    await expect(run(false, false)).rejects.toThrow(/was interrupted .*--resume goes on where it stopped, --restart begins anew/)
    utimesSync(data, WRITTEN, new Date(WRITTEN.getTime() + 5_000))
    await expect(run(true, false)).rejects.toThrow(/moves\.csv changed since; begin anew with --restart/)
    utimesSync(data, WRITTEN, WRITTEN)
    expect((await run(true, false)).accepted).toBe(ROWS - ROWS / 100)
  })
})
