/** What is photographed: each view of the dashboard with a portfolio behind it, without one, and where something is amiss. */
import type { Page } from 'playwright-core'
import { type Dashboard, declined, settled } from './dashboard.ts'

export interface Scene {
  /** Begins the names of its files. */
  readonly name: string
  readonly path: string
  /** What brings the page into the state meant, once it has loaded what it shows. */
  readonly pose?: (page: Page) => Promise<void>
  /** Only what the window holds: dialogs and lists without an end. */
  readonly window?: boolean
}

/** The view looks every two seconds; some points make a line. */
const LOOKS_MS = 9_000

const row = (page: Page): Promise<void> => page.locator('[data-row]').first().waitFor()

/** What a decision's page asks for one after the other has come. */
const whole = async (page: Page): Promise<void> => {
  await page
    .getByText(/\d+ % below/)
    .first()
    .waitFor()
  await page.locator('.verdict').waitFor()
}

/** Counted since the page opened, and no longer growing: the backlog of the feed has come. */
const counted = async (page: Page, decisions: number): Promise<void> => {
  await row(page)
  await page.waitForFunction(
    (least) => Number(document.querySelectorAll('.figures dd')[3]?.textContent?.replaceAll(',', '')) >= least,
    Math.min(decisions, 500),
  )
}

const STATEMENT = `SELECT decision, count() AS applications, round(avg(probability), 4) AS mean_probability, min(event_time) AS first
FROM decisions GROUP BY decision ORDER BY decision`

/** Scenes of an engine that has decided a portfolio and refused some events, whose monitors raised alerts. */
export const portfolioScenes = async (dashboard: Dashboard): Promise<readonly Scene[]> => {
  const decision = `/decisions/${await declined(dashboard)}`
  return [
    { name: 'live', path: '/', window: true, pose: (page) => counted(page, dashboard.applications) },
    { name: 'decisions', path: '/decisions', window: true, pose: row },
    { name: 'decision', path: decision, pose: (page) => whole(page) },
    {
      name: 'decision-replayed',
      path: decision,
      pose: async (page) => {
        await whole(page)
        const late = page.getByLabel(/repayment status/i).first()
        await late.fill('-1')
        await late.press('Enter')
        await page.getByRole('button', { name: 'Replay and compare' }).click()
        await page.getByText('Identical, bit for bit.').waitFor({ timeout: 60_000 })
        await settled(page)
      },
    },
    { name: 'decision-unknown', path: '/decisions/0-999999999' },
    { name: 'portfolio', path: '/portfolio' },
    { name: 'portfolio-by-lateness', path: '/portfolio?by=late&from=2006-04-01' },
    {
      name: 'portfolio-statement',
      path: '/portfolio',
      window: true,
      pose: async (page) => {
        await page.getByRole('button', { name: 'Show the SQL' }).nth(1).click()
        await page.locator('dialog[open] pre').waitFor()
      },
    },
    { name: 'model', path: '/model' },
    { name: 'health', path: '/health' },
    {
      name: 'operations',
      path: '/operations',
      pose: async (page) => {
        await page.locator('summary', { hasText: 'schema-violation' }).first().click()
        await page.waitForTimeout(LOOKS_MS)
      },
    },
    { name: 'features', path: '/features', window: true },
    { name: 'feature', path: '/features/applicant.statement.utilisation.last.6mo' },
    { name: 'feature-unknown', path: '/features/no.such.feature' },
    { name: 'sql', path: '/sql' },
    { name: 'sql-result', path: `/sql?q=${encodeURIComponent(STATEMENT)}`, pose: (page) => page.locator('main td').first().waitFor() },
    { name: 'sql-mistyped', path: '/sql?q=SELEC+1', pose: (page) => page.getByRole('alert').waitFor() },
    {
      name: 'keys',
      path: '/portfolio',
      window: true,
      pose: async (page) => {
        await page.keyboard.press('?')
        await page.locator('dialog[open]').waitFor()
      },
    },
  ]
}

const VIEWS = ['live', 'decisions', 'portfolio', 'model', 'health', 'operations', 'features', 'sql']

const everyView = (state: string): readonly Scene[] =>
  VIEWS.map((view) => ({ name: `${view}-${state}`, path: view === 'live' ? '/' : `/${view}`, window: view === 'features' }))

/** Of an engine that has seen no event. */
export const EMPTY_SCENES = everyView('empty')
/** Of an engine whose warehouse is off. */
export const NO_WAREHOUSE_SCENES = everyView('no-warehouse')
/** Of an engine that wants a token. */
export const TOKEN_SCENES: readonly Scene[] = ['live', 'portfolio'].map((view) => ({
  name: `${view}-sign-in`,
  path: view === 'live' ? '/' : `/${view}`,
  pose: (page) => page.locator('form.sign-in').waitFor(),
}))
