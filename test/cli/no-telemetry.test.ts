import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'scorestream-telemetry-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a process leaves among temporary files. It gets no variable of whoever runs the tests: on a build server the runtime is silent by itself. */
const leftBy = (args: readonly string[]): readonly string[] => {
  const { PATH = '', HOME = '' } = process.env
  const temporary = mkdtempSync(join(folder, 'of-'))
  const { error } = spawnSync(process.execPath, args, {
    cwd: PROJECT,
    env: { PATH, HOME, TMPDIR: temporary, SCORESTREAM_WAREHOUSE_KIND: 'off' },
  })
  if (error !== undefined) throw error
  return readdirSync(temporary).filter((name) => name === '.ses' || name.startsWith('mat-debug'))
}

/** Makes a session, as the check of a bundle does, without the command line before it. */
const SESSION = `
  const { InferenceSession } = await import('onnxruntime-node')
  const { readdirSync } = await import('node:fs')
  const file = readdirSync('models', { recursive: true }).find((name) => name.endsWith('.onnx'))
  await InferenceSession.create('models/' + file)
`

test.runIf(process.platform === 'linux')('ONNX Runtime, which reports to its maker by default, is told not to before it is loaded', () => {
  expect(leftBy(['--input-type=module', '-e', SESSION])).not.toEqual([])
  // The doctor loads the bundle and compares it with ONNX Runtime.
  expect(leftBy(['cli/scorestream.js', 'doctor'])).toEqual([])
})
