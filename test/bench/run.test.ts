import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { BenchRow } from '../../bench/bench-row.ts'
import { jsonOf, tableOf } from '../../bench/bench-table.ts'

const BENCH = join(import.meta.dirname, '../../bench/run.ts')
const bench = promisify(execFile)

const ROW: BenchRow = {
  name: 'engine.applications',
  value: 6_001.5,
  unit: 'decisions/s',
  peer: 'Python pipeline',
  peerValue: 12,
  ratio: 500.125,
  conditions: 'two cores',
}

test('--help names every figure and opens nothing', async () => {
  const { stdout, stderr } = await bench(process.execPath, [BENCH, '--help'])
  for (const name of [
    'tree.batch1',
    'shap.interventional_1000',
    'engine.applications.power_loss',
    'latency.p999',
    'memory.rss',
    'model.auc',
  ])
    expect(stdout).toContain(name)
  expect(stderr).toBe('')
})

test('a figure that does not exist is refused with the names that do', async () => {
  const failed = bench(process.execPath, [BENCH, '--only', 'tree.batch2'])
  await expect(failed).rejects.toMatchObject({ code: 64, stderr: expect.stringContaining('tree.batch256') as string })
})

test('the JSON is an array of rows with exactly the promised keys', () => {
  const written = JSON.parse(jsonOf([ROW, { ...ROW, name: 'memory.rss', peer: null, peerValue: null, ratio: null }])) as object[]
  expect(written).toHaveLength(2)
  for (const row of written) expect(Object.keys(row)).toEqual(['name', 'value', 'unit', 'peer', 'peerValue', 'ratio', 'conditions'])
})

test('a figure that is no number is a failure, not a row', () => {
  expect(() => jsonOf([{ ...ROW, value: Number.NaN }])).toThrow(/engine\.applications: NaN/)
})

test('the table shows value, peer and ratio, and the conditions of each row', () => {
  const table = tableOf([ROW])
  expect(table).toContain('6,002')
  expect(table).toContain('500.1×')
  expect(table).toContain('engine.applications (Python pipeline): two cores')
})
