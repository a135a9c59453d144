import { afterAll, beforeAll, expect, test } from 'vitest'
import * as health from '../../web/src/health/statements.ts'
import { gatesStatement } from '../../web/src/model/statements.ts'
import { type Dashboard, declined, noBrowser, PATIENTLY, settled, startDashboard } from './dashboard.ts'

let dashboard: Dashboard
beforeAll(async () => {
  if (noBrowser) return
  dashboard = await startDashboard()
}, 180_000)
afterAll(() => dashboard?.close())

test.skipIf(noBrowser).each([
  ['TABLES', health.TABLES],
  ['DRIFT_METRICS', health.DRIFT_METRICS],
  ['driftStatement', health.driftStatement('psi')],
  ['FAIRNESS', health.FAIRNESS],
  ['fairnessOverTime', health.fairnessOverTime('sex', 'selection-rate')],
  ['PERFORMANCE_METRICS', health.PERFORMANCE_METRICS],
  ['performanceStatement', health.performanceStatement('auc')],
  ['SLO', health.SLO],
  ['ALERTS', health.ALERTS],
  ['QUALITY', health.QUALITY],
  ['gatesStatement of the model view', gatesStatement('credit', 'aaa')],
])('%s is understood by the warehouse', async (_, statement) => {
  await expect(dashboard.sql(statement)).resolves.toBeInstanceOf(Array)
})

const VIEWS = ['/', '/decisions', '/portfolio', '/model', '/health', '/operations', '/features', '/sql'] as const

test.skipIf(noBrowser).each(VIEWS)('%s works by keyboard: g and its letter lead there, and its rows can be walked', async (path) => {
  const page = await dashboard.open(path === '/' ? '/features' : '/')
  const link = page.locator(`nav a[href="${path}"]`)
  await link.waitFor()
  const [first = '', second = ''] = ((await link.getAttribute('aria-keyshortcuts')) ?? '').split(' ')
  await page.locator('main h1').waitFor()
  await page.keyboard.press(first)
  await page.keyboard.press(second)
  await expect.poll(() => new URL(page.url()).pathname, PATIENTLY).toBe(path)
  await page.getByRole('heading', { level: 1, name: (await link.textContent()) ?? '' }).waitFor()
  await settled(page)
  if ((await page.locator('[data-row]').count()) === 0) return
  await page.keyboard.press('j')
  expect(await page.evaluate(() => document.activeElement?.hasAttribute('data-row'))).toBe(true)
  await page.context().close()
})

test.skipIf(noBrowser).each([...VIEWS, 'decision', '/features/applicant.statement.utilisation.last.6mo'])(
  '%s fits a screen of 360 pixels, in both themes',
  async (view) => {
    const path = view === 'decision' ? `/decisions/${await declined(dashboard)}` : view
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await dashboard.open(path, { viewport: { width: 360, height: 740 }, colorScheme })
      await settled(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      expect(ground).toBe(colorScheme === 'light' ? 'rgb(243, 244, 245)' : 'rgb(16, 18, 20)')
      await page.context().close()
    }
  },
)

test.skipIf(noBrowser).each([...VIEWS, 'decision'])(
  '%s names what it shows: one heading, labelled controls, no empty names, titles on tables',
  async (path) => {
    const page = await dashboard.open(path === 'decision' ? `/decisions/${await declined(dashboard)}` : path)
    await settled(page)
    const faults = await page.evaluate(() => {
      const named = (element: Element): boolean =>
        (element.getAttribute('aria-label') ?? '') !== '' ||
        (element.getAttribute('aria-labelledby') ?? '') !== '' ||
        (element.textContent ?? '').trim() !== '' ||
        [...((element as HTMLInputElement).labels ?? [])].some((label) => (label.textContent ?? '').trim() !== '')
      const found: string[] = []
      if (document.querySelectorAll('h1').length - document.querySelectorAll('dialog h1').length !== 1) found.push('not exactly one h1')
      if (document.documentElement.lang !== 'en') found.push('no language')
      for (const element of document.querySelectorAll('a, button, input, select, textarea'))
        if (!named(element)) found.push(`unnamed ${element.outerHTML.slice(0, 120)}`)
      for (const element of document.querySelectorAll('svg:not([aria-hidden])'))
        if ((element.getAttribute('aria-label') ?? '') === '') found.push('an svg without a name')
      for (const element of document.querySelectorAll('thead th'))
        if ((element.textContent ?? '').trim() === '') found.push('an unnamed column')
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
      for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`)
      return found
    })
    expect(faults).toEqual([])
    await page.context().close()
  },
)

test.skipIf(noBrowser)('the theme chosen stays, and overrides the system’s', async () => {
  const page = await dashboard.open('/', { colorScheme: 'light' })
  const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await page.locator('main h1').waitFor()
  await page.keyboard.press('t')
  await page.keyboard.press('t')
  await expect.poll(ground, PATIENTLY).toBe('rgb(16, 18, 20)')
  await page.reload()
  await expect.poll(ground, PATIENTLY).toBe('rgb(16, 18, 20)')
})

test.skipIf(noBrowser)('nothing on any of these pages ended in an error or broke the security policy', () => {
  expect(dashboard.complaints).toEqual([])
})
