import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url).pathname

test('the committed kernels are what their sources compile to, byte for byte', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const [compiler, ...flags] = scripts['build:wasm']!.split(' ')
  const out = join(mkdtempSync(join(tmpdir(), 'scorestream-wasm-')), 'kernels.wasm')
  execFileSync(
    join(root, 'node_modules/.bin', compiler!),
    flags.map((flag) => (flag === 'scoring/wasm/kernels.wasm' ? out : flag)),
    { cwd: root },
  )
  expect(readFileSync(out).equals(readFileSync(join(root, 'scoring/wasm/kernels.wasm')))).toBe(true)
})

test('the kernels use fixed-width SIMD only, whose results are the same on every machine', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  expect(scripts['build:wasm']!.match(/--enable \S+/g)).toEqual(['--enable simd'])
})
