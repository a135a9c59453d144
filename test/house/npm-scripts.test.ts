import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const SCRIPT = /npm run ([a-z][a-z:-]*)/g

test('every npm script that a page, a message or a workflow names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly scripts: Readonly<Record<string, string>> }
  const listed = spawnSync('git', ['ls-files', '*.md', '*.ts', '*.js', '*.yml', '*.yaml', '*.svelte', '.ci/run'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(listed.status, listed.stderr).toBe(0)
  const named = listed.stdout
    .split('\n')
    .filter((file) => file !== '' && !file.startsWith('test/house/'))
    .flatMap((file) => [...readFileSync(join(ROOT, file), 'utf8').matchAll(SCRIPT)].map(([, name = '']) => ({ file, name })))
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(({ name }) => scripts[name] === undefined)).toEqual([])
})
