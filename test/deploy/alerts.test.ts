/** Rules and alerts by Prometheus' own judgement, and that each alert is tested and leads to a page. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { promtool, withoutPromtool } from './promtool.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'deploy/prometheus')
const TESTS = ['alerts.test.yaml', 'alerts-slow.test.yaml']

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}
interface Case {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[]
}

const yaml = (file: string): unknown => parse(readFileSync(join(folder, file), 'utf8'))
const alerts = (yaml('alerts.yaml') as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap(({ rules }) => [...rules])

describe.skipIf(withoutPromtool)('promtool', () => {
  test('finds rules, alerts and configuration valid', () => {
    expect(promtool(['check', 'rules', 'rules.yaml', 'alerts.yaml'], folder)).toMatchObject({ status: 0 })
    expect(promtool(['check', 'config', '--syntax-only', 'prometheus.yaml'], folder)).toMatchObject({ status: 0 })
  })

  test('finds that each alert fires when it must and keeps quiet when it must', { timeout: 120_000 }, () => {
    const { status, said } = promtool(['test', 'rules', ...TESTS], folder)
    expect(said).not.toMatch(/FAILED/)
    expect(status).toBe(0)
  })
})

test('each alert has a case in which it fires and one in which it does not', () => {
  const cases = TESTS.flatMap((file) => (yaml(file) as { tests: readonly Case[] }).tests.flatMap((one) => [...one.alert_rule_test]))
  for (const { alert } of alerts) {
    const own = cases.filter(({ alertname }) => alertname === alert)
    expect(
      own.filter(({ exp_alerts }) => exp_alerts.length > 0),
      `${alert} fires`,
    ).not.toEqual([])
    expect(
      own.filter(({ exp_alerts }) => exp_alerts.length === 0),
      `${alert} keeps quiet`,
    ).not.toEqual([])
  }
})

test('each alert says how urgent it is and links a page that exists; no page is without an alert', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(['page', 'ticket'], alert).toContain(labels.severity)
    expect(annotations.summary, alert).toMatch(/.{10}/)
    expect(annotations.runbook_url, alert).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/)
    expect(existsSync(join(root, annotations.runbook_url)), `${alert} links ${annotations.runbook_url}`).toBe(true)
  }
  const linked = new Set(alerts.map(({ annotations }) => annotations.runbook_url.split('/').at(-1)))
  const pages = readdirSync(join(root, 'docs/runbooks')).filter((name) => name !== 'README.md')
  expect(pages.filter((name) => !linked.has(name))).toEqual([])
  const index = readFileSync(join(root, 'docs/runbooks/README.md'), 'utf8')
  for (const name of pages) {
    expect(index).toContain(`(${name})`)
    const page = readFileSync(join(root, 'docs/runbooks', name), 'utf8')
    for (const heading of ['What it means', 'What callers see', 'Look', 'Mend', 'Afterwards'])
      expect(page, name).toContain(`## ${heading}\n`)
  }
})
