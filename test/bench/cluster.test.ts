import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const cluster = (...words: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '../../bench/cluster.ts'), ...words], { encoding: 'utf8' })

test('help names every figure and needs no server', () => {
  const { status, stdout } = cluster('--help')
  expect(status).toBe(0)
  for (const name of ['throughput', 'latency', 'recovery', 'scale', 'rebuild']) expect(stdout).toContain(name)
})

test('a figure or a count that makes no sense is a usage error that names it', () => {
  expect(cluster('--only', 'through')).toMatchObject({ status: 64, stderr: expect.stringContaining('nothing is called through') as string })
  expect(cluster('--runs', '0')).toMatchObject({ status: 64, stderr: expect.stringContaining('--runs') as string })
  expect(cluster('--sideways')).toMatchObject({ status: 64, stderr: expect.stringContaining('--sideways') as string })
})
