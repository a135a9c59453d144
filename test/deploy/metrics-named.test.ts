/** The dashboard is current, and every metric that it, a rule or a runbook names is one that an engine exposes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DASHBOARD_FILE, dashboardText } from '../../deploy/grafana/dashboard.ts'
import { startEngine, type EngineProcess } from '../crash/engine-process.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'scorestream-metrics-'))
/** Exposed only where the monitors run. */
const OF_MONITORS = new Set(['scorestream_alerts_open'])
let engine: EngineProcess
let exposed: Set<string>
beforeAll(async () => {
  engine = await startEngine(join(folder, 'data'))
  const text = await (await fetch(`${engine.http}/metrics`)).text()
  // A histogram is declared by its family, and read by its buckets, sum and count.
  exposed = new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  )
})
afterAll(async () => {
  await engine.kill()
  rmSync(folder, { recursive: true, force: true })
})

const namesIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/(?<![:\w/.-])((?:scorestream|process|nodejs)_[a-z0-9_]+)(?=[\s{[)`,+"'\\]|$)/gm)].map(([, name = '']) => name),
  ),
]
const unknown = (text: string): string[] => namesIn(text).filter((name) => !exposed.has(name) && !OF_MONITORS.has(name))
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')

test('the dashboard in the repository is the one that its program makes', () => {
  expect(readFileSync(DASHBOARD_FILE, 'utf8')).toBe(dashboardText())
})

test('the dashboard names only metrics that are exposed', () => {
  expect(namesIn(read('deploy/grafana/dashboard.json')).length).toBeGreaterThan(20)
  expect(unknown(read('deploy/grafana/dashboard.json'))).toEqual([])
})

test('so do rules, alerts and runbooks', () => {
  expect(unknown(read('deploy/prometheus/rules.yaml'))).toEqual([])
  expect(unknown(read('deploy/prometheus/alerts.yaml'))).toEqual([])
  for (const name of readdirSync(join(root, 'docs/runbooks'))) expect(unknown(read('docs/runbooks', name)), name).toEqual([])
})

test('what the dashboard takes from recording rules is recorded', () => {
  const recorded = new Set([...read('deploy/prometheus/rules.yaml').matchAll(/record: (\S+)/g)].map(([, name]) => name))
  const used = [...read('deploy/grafana/dashboard.json').matchAll(/scorestream:[a-z_]+:[a-z0-9_]+/g)].map(([name]) => name)
  expect(used.length).toBeGreaterThan(2)
  expect(used.filter((name) => !recorded.has(name))).toEqual([])
})

test('readiness names what it looked at', async () => {
  const response = await fetch(`${engine.http}/readyz`)
  expect(response.status).toBe(200)
  const { checks } = (await response.json()) as { checks: readonly { name: string; ok: boolean; detail: string }[] }
  expect(checks.map(({ name }) => name)).toEqual(['engine', 'log', 'lag', 'warehouse'])
  expect(checks.find(({ name }) => name === 'log')?.detail).toMatch(/takes records, \d+ MiB free/)
})
