import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { buildState, DIST } from '#web/source-digest.ts'

/** What may be loaded before the first view stands, gzipped. */
const FIRST_VIEW_BYTES_MAX = 150 * 1024

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../web/build.ts')], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, expect.any(String)])
}, 120_000)

const asset = (name: string): string => readFileSync(join(DIST, 'app', name), 'utf8')
const named = (text: string): string[] => [...text.matchAll(/[\w.-]+\.(?:js|css)/g)].map(([name]) => name)

/** Files that a script imports before it runs. */
const imports = (name: string, found = new Set<string>()): Set<string> => {
  if (found.has(name)) return found
  found.add(name)
  if (name.endsWith('.js'))
    for (const [, path = ''] of asset(name).matchAll(/(?:import|from)\s*["']\.\/([\w.-]+)["']/g)) imports(path, found)
  return found
}

test('the frame and the live view together stay within 150 KB gzipped', () => {
  const files = readdirSync(join(DIST, 'app'))
  const html = readFileSync(join(DIST, 'index.html'), 'utf8')
  const first = new Set(named(html).flatMap((name) => [...imports(name)]))
  for (const name of files) if (name.startsWith('live-')) for (const one of imports(name)) first.add(one)
  const bytes = [...first].reduce((sum, name) => sum + gzipSync(asset(name)).length, gzipSync(html).length)
  expect(first.size).toBeGreaterThan(3)
  expect(bytes).toBeLessThan(FIRST_VIEW_BYTES_MAX)
})

test('each view is a part of its own, loaded when it is opened', () => {
  const scripts = readdirSync(join(DIST, 'app')).filter((name) => name.endsWith('.js'))
  for (const view of ['live', 'decisions', 'portfolio', 'model', 'health', 'operations', 'features', 'sql'])
    expect(scripts.filter((name) => new RegExp(`^${view}-[\\w-]{8}\\.js$`).test(name))).toHaveLength(1)
})

test('nothing built names another host, a source of scripts in the page, or a data address', () => {
  for (const name of readdirSync(join(DIST, 'app'))) {
    const addresses = (asset(name).match(/(?:https?:)?\/\/[a-z][\w.-]+\.[a-z]{2,}[^\s"'`)]*/g) ?? []).filter(
      // Names of namespaces and of Svelte's own explanations in error messages; nothing is fetched from them.
      (address) => !/w3\.org|svelte\.dev/.test(address),
    )
    expect([name, addresses]).toEqual([name, []])
    expect([name, /url\(["']?data:/.test(asset(name))]).toEqual([name, false])
  }
  expect(readFileSync(join(DIST, 'index.html'), 'utf8')).not.toMatch(/<script(?![^>]*src=)|\son[a-z]+=|style=/)
})

test('the build says of which sources it is', () => {
  expect(buildState()).toBe('current')
})
