/** A running engine with its warehouse, a small portfolio of demo clients, and a real Chromium in front of it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { type EngineProcess, startEngine } from '../crash/engine-process.ts'
import { CHROMIUM, CHROMIUM_ABSENT, CHROMIUM_FLAGS } from './chromium.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Every fortieth client of the demo: enough for rates and curves, loaded in a second or two. */
const EVERY = 40
/** How long rows may take from the log to SQL on a busy machine. */
const SQL_MS_MAX = 60_000

/** Journeys are skipped for want of a browser, save in CI, where its absence is a failure. */
export const noBrowser = CHROMIUM === undefined && process.env['CI'] !== 'true'

/** For `expect.poll`: what passes through log, warehouse and page takes its time on a busy machine. */
export const PATIENTLY = { timeout: 20_000 }

export interface Dashboard {
  readonly url: string
  readonly dataDir: string
  readonly applications: number
  /** A page of its own; what it complains of is collected in `complaints`. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>
  readonly complaints: string[]
  post(path: string, body: unknown): Promise<Response>
  sql(statement: string): Promise<unknown[][]>
  close(): Promise<void>
}

const events = (every: number): string[] => {
  const lines: string[] = []
  for (const event of demoStream(readFileSync(join(ROOT, 'data/taiwan/taiwan-credit-default.csv.gz'))).events()) {
    if (Number(event.applicantId.slice(3)) % every !== 0) continue
    const maturedAt = event.kind === 'outcome' ? { maturedAt: new Date(event.maturedAt).toISOString() } : {}
    lines.push(JSON.stringify({ ...event, ...maturedAt, eventTime: new Date(event.eventTime).toISOString() }))
  }
  return lines
}

const load = async (url: string, every: number): Promise<number> => {
  const lines = events(every)
  for (let from = 0; from < lines.length; from += 2_000) {
    const body = `${lines.slice(from, from + 2_000).join('\n')}\n`
    const response = await fetch(`${url}/v1/events`, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } })
    if (response.status !== 202) throw new Error(`loading the portfolio: ${response.status} ${(await response.text()).slice(0, 400)}`)
    await response.arrayBuffer()
  }
  return lines.filter((line) => line.includes('"kind":"application"')).length
}

const askSql = async (url: string, statement: string): Promise<unknown[][]> => {
  const response = await fetch(`${url}/v1/sql`, { method: 'POST', body: statement, headers: { 'content-type': 'application/sql' } })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return ((await response.json()) as { data: unknown[][] }).data
}

const untilInSql = async (url: string, applications: number): Promise<void> => {
  for (let waited = 0; waited < SQL_MS_MAX; waited += 200) {
    const [[decisions, outcomes]] = (await askSql(url, 'SELECT (SELECT count() FROM decisions), (SELECT count() FROM outcomes)')) as [
      [number, number],
    ]
    if (decisions >= applications && outcomes >= applications) return
    await sleep(200)
  }
  throw new Error(`SQL did not see ${applications} decisions and outcomes within ${SQL_MS_MAX} ms`)
}

export interface DashboardOptions {
  /** False leaves the engine without a single event. */
  readonly portfolio?: boolean
  /** Of the demo's 30,000 clients each `every`th is loaded. */
  readonly every?: number
  readonly environment?: Readonly<Record<string, string>>
}

export const startDashboard = async ({ portfolio = true, every = EVERY, environment = {} }: DashboardOptions = {}): Promise<Dashboard> => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'web/build.ts')], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const dataDir = mkdtempSync(join(tmpdir(), 'scorestream-web-'))
  const engine: EngineProcess = await startEngine(dataDir, { environment: { SCORESTREAM_WAREHOUSE_KIND: 'embedded', ...environment } })
  if (CHROMIUM === undefined) throw new Error(CHROMIUM_ABSENT)
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  const applications = portfolio ? await load(engine.http, every) : 0
  if (portfolio) await untilInSql(engine.http, applications)
  const complaints: string[] = []
  return {
    url: engine.http,
    dataDir,
    applications,
    complaints,
    async open(path, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
      const page = await context.newPage()
      page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(`${path}: ${message.text()}`)
      })
      await page.goto(engine.http + path)
      return page
    },
    post: (path, body) =>
      fetch(engine.http + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    sql: (statement) => askSql(engine.http, statement),
    async close() {
      await browser.close()
      await engine.end()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Resolves once nothing on the page is loading any more. */
export const settled = async (page: Page): Promise<void> => {
  await page.waitForFunction(
    () =>
      document.querySelector('main h1') !== null &&
      document.querySelector('main .placeholder, main [aria-busy=true]:not([role=feed])') === null,
  )
}

/** The id of a decision that was declined by its score. */
export const declined = async (dashboard: Dashboard): Promise<string> => {
  const [row] = await dashboard.sql(
    "SELECT decision_id FROM decisions WHERE decision = 'decline' AND rule_hit IS NULL ORDER BY offset LIMIT 1",
  )
  return String(row?.[0])
}
