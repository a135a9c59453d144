import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scorestream } from '../cli/command-line.ts'
import { type Dashboard, declined, noBrowser, PATIENTLY, settled, startDashboard } from './dashboard.ts'
import { paymentLines } from './payment-lines.ts'

let dashboard: Dashboard
beforeAll(async () => {
  if (noBrowser) return
  dashboard = await startDashboard()
}, 180_000)
afterAll(() => dashboard?.close())

const application = (number: number) => ({
  eventId: `journey-${number}`,
  kind: 'application',
  applicantId: 'tw-00040',
  eventTime: '2006-11-01T00:00:00Z',
  producer: 'journey',
  applicationId: `journey-application-${number}`,
  product: 'credit-line',
  amount: 3_000_000,
  currency: 'TWD',
  termMonths: 0,
  purpose: 'limit-increase',
  channel: 'online',
})

describe.skipIf(noBrowser)('live', () => {
  test('a decision appears in the list as it is made, and the line that carries it leads to it', async () => {
    const page = await dashboard.open('/')
    await page.getByText('Connected', { exact: true }).waitFor()
    const response = await dashboard.post('/v1/applications', application(1))
    expect(response.status).toBe(200)
    const { decisionId } = (await response.json()) as { decisionId: string }
    const row = page.getByRole('link', { name: `Decision ${decisionId}` })
    await row.waitFor()
    expect(await row.textContent()).toContain('30,000 TWD')
    await row.click()
    await page.getByRole('heading', { level: 1, name: decisionId }).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/decisions/${decisionId}`)
  })

  test('a paused list stands still and counts what comes; going on shows it', async () => {
    const page = await dashboard.open('/')
    await page.locator('[data-row]').first().waitFor()
    await page.keyboard.press('p')
    const before = await page.locator('[data-row]').first().getAttribute('href')
    const { decisionId } = (await (await dashboard.post('/v1/applications', application(2))).json()) as { decisionId: string }
    // Of the backlog some may still be on its way.
    await page.getByText(/[1-9]\d* more since/).waitFor()
    expect(await page.locator('[data-row]').first().getAttribute('href')).toBe(before)
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('link', { name: `Decision ${decisionId}` }).waitFor()
  })

  test('however many decisions there are, only those in sight are drawn', async () => {
    const page = await dashboard.open('/')
    await page.locator('[data-row]').first().waitFor()
    await expect
      .poll(() => page.locator('[role=feed] > div').evaluate((all) => all.getBoundingClientRect().height), PATIENTLY)
      .toBeGreaterThan(10_000)
    expect(await page.locator('[data-row]').count()).toBeLessThan(60)
  })

  test('after the line was down the feed goes on behind the last decision, without a gap and without a repeat', async () => {
    const page = await dashboard.open('/')
    await page.locator('[data-row]').first().waitFor()
    await expect.poll(() => page.locator('.figures dd').nth(3).textContent(), PATIENTLY).not.toBe('0')
    await page.context().setOffline(true)
    await page.evaluate(() => dispatchEvent(new Event('offline')))
    const { decisionId } = (await (await dashboard.post('/v1/applications', application(3))).json()) as { decisionId: string }
    await page.context().setOffline(false)
    await page.getByRole('link', { name: `Decision ${decisionId}` }).waitFor()
    expect(await page.getByRole('link', { name: `Decision ${decisionId}` }).count()).toBe(1)
  })
})

describe.skipIf(noBrowser)('decision', () => {
  test('explains itself: reasons, a waterfall that ends at the margin, features with their place in the portfolio', async () => {
    const id = await declined(dashboard)
    const page = await dashboard.open(`/decisions/${id}`)
    await settled(page)
    const capsule = (await (await fetch(`${dashboard.url}/v1/decisions/${id}?capsule=true`)).json()) as {
      body: { base: number; margin: number; probability: number; reasons: { text: string }[] }
    }
    await page
      .getByText(`${(capsule.body.probability * 100).toFixed(1)} %`)
      .first()
      .waitFor()
    for (const { text } of capsule.body.reasons) expect(await page.getByText(text).count()).toBeGreaterThan(0)
    const steps = await page.locator('.step .number:nth-child(3)').allTextContents()
    const sum = steps.reduce((total, text) => total + Number(text.replace('−', '-')), capsule.body.base)
    // Each step is rounded to three digits.
    expect(Math.abs(sum - capsule.body.margin)).toBeLessThan(0.000_5 * (steps.length + 1))
    await page
      .getByText(/\d+ % below/)
      .first()
      .waitFor()
    expect(await page.getByText('decided here').count()).toBe(1)
  })

  test('replay runs it again in a fresh process and says that it is identical', async () => {
    const page = await dashboard.open(`/decisions/${await declined(dashboard)}`)
    await page.getByRole('button', { name: 'Replay and compare' }).click()
    await page.getByText('Identical, bit for bit.').waitFor({ timeout: 60_000 })
  })

  test('what-if: unchanged it gives the decision again, changed it gives another probability, and nothing is written', async () => {
    const id = await declined(dashboard)
    const page = await dashboard.open(`/decisions/${id}`)
    await page.getByText('Nothing is changed: this is the decision itself').waitFor()
    expect(await page.locator('.verdict').textContent()).toContain('0.0 percentage points')
    const before = await dashboard.sql('SELECT count() FROM events')
    const late = page.getByLabel(/repayment status/i).first()
    await late.fill('-1')
    await late.press('Enter')
    await expect.poll(() => page.locator('.verdict').textContent(), PATIENTLY).toMatch(/[−-]\d+\.\d percentage points/)
    expect(await dashboard.sql('SELECT count() FROM events')).toEqual(before)
  })

  test('an unknown decision says so and offers another try', async () => {
    const page = await dashboard.open('/decisions/0-999999999')
    await page.getByRole('alert').getByText('nothing was decided at 0-999999999').waitFor()
    dashboard.complaints.length = 0
  })
})

describe.skipIf(noBrowser)('portfolio', () => {
  test('a narrower range changes the figures, and the statement shown gives the same number in SQL', async () => {
    const page = await dashboard.open('/portfolio')
    await settled(page)
    const shown = page.locator('[data-figure=applications]')
    const all = Number((await shown.textContent())?.replaceAll(',', ''))
    expect(all).toBeGreaterThanOrEqual(dashboard.applications)
    await page.getByRole('button', { name: '90 days' }).click()
    await expect.poll(async () => Number((await shown.textContent())?.replaceAll(',', '')), PATIENTLY).toBeLessThan(all)
    await settled(page)
    const narrow = Number((await shown.textContent())?.replaceAll(',', ''))
    expect(page.url()).toContain('from=')
    await page.getByRole('button', { name: 'Show the SQL' }).first().click()
    const statement = await page.locator('dialog[open] pre').textContent()
    const [row] = await dashboard.sql(statement ?? '')
    expect(row?.[0]).toBe(narrow)
    await page.getByRole('link', { name: 'Open in SQL' }).click()
    await page
      .getByRole('cell', { name: String(narrow), exact: true })
      .first()
      .waitFor()
  })

  test.each([
    'limit',
    'late',
    'utilisation',
    'amount',
    'product',
    'channel',
    'purpose',
    'employment',
    'housing',
    'model',
    'policy',
    'trained',
  ])('cut by %s, the segments add up to the whole, and choosing one narrows the view to it', async (key) => {
    const page = await dashboard.open(`/portfolio?by=${key}&to=2006-10-31`)
    await settled(page)
    const whole = Number((await page.locator('[data-figure=applications]').textContent())?.replaceAll(',', ''))
    const table = page.locator('section', { has: page.getByRole('heading', { name: 'By segment' }) })
    const counts = (await table.locator('tbody td:nth-child(2)').allTextContents()).map((text) => Number(text.replaceAll(',', '')))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(whole)
    await table.locator('tbody button').first().click()
    await expect
      .poll(async () => Number((await page.locator('[data-figure=applications]').textContent())?.replaceAll(',', '')), PATIENTLY)
      .toBe(counts[0])
    await page.context().close()
  })
})

describe.skipIf(noBrowser)('model, operations, features', () => {
  test('the area under the drawn ROC curve agrees with the engine’s own over the same decisions', async () => {
    const page = await dashboard.open('/model')
    const caption = page.getByText(/ROC: area/)
    await caption.waitFor()
    const [[auc]] = (await dashboard.sql('SELECT auc FROM holdout_quality')) as [[number]]
    expect(Number(/[\d.]+/.exec((await caption.textContent())?.replace('ROC: area', '') ?? '')?.[0])).toBeCloseTo(auc, 2)
    expect(await page.getByText('champion', { exact: true }).count()).toBeGreaterThan(0)
  })

  test('operations show zero lost, zero conflicting, and a refused event with its remedy', async () => {
    expect((await dashboard.post('/v1/events', { eventId: 'bad', kind: 'payment', producer: 'journey' })).status).toBe(422)
    await expect.poll(() => dashboard.sql('SELECT count() FROM dead_letters'), PATIENTLY).not.toEqual([[0]])
    const page = await dashboard.open('/operations')
    await settled(page)
    expect(await page.locator('[data-figure=lost]').textContent()).toBe('0')
    expect(await page.locator('[data-figure=conflicting]').textContent()).toBe('0')
    await page.locator('summary', { hasText: 'schema-violation' }).click()
    await page.getByText('expected').first().waitFor()
  })

  test('the catalogue finds a feature by words and shows its lineage', async () => {
    const page = await dashboard.open('/features')
    await settled(page)
    await page.keyboard.press('/')
    await page.keyboard.type('utilisation latest')
    await page.getByRole('heading', { name: '1 feature' }).waitFor()
    await page.locator('[data-row]').first().click()
    await page.getByRole('heading', { name: 'Lineage' }).waitFor()
    await settled(page)
    expect(await page.getByText('applicant.statement.utilisation.last.6mo').count()).toBeGreaterThan(0)
  })

  test('a mistyped statement gets the engine’s own message', async () => {
    const page = await dashboard.open('/sql?q=SELEC+1')
    await page.getByRole('alert').getByText('Syntax error').waitFor()
    dashboard.complaints.length = 0
  })
})

describe.skipIf(noBrowser)('alerts', () => {
  /** Log, monitoring, warehouse and a command: each takes its time on a busy machine. */
  const MINUTE = { timeout: 60_000 }
  let sent = 0
  const pay = async (count: number, factor: number): Promise<void> => {
    const body = paymentLines(sent, count, factor)
    sent += count
    const response = await fetch(`${dashboard.url}/v1/events`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect(response.status, await response.text()).toBe(202)
  }

  const alerts = (...args: string[]) =>
    scorestream(['alerts', ...args, '--data-dir', dashboard.dataDir], { SCORESTREAM_WAREHOUSE_KIND: 'embedded' })

  test(
    'a changed unit is told on the open page, stays until somebody accepts it, and who did so, and why, can be asked for',
    { timeout: 300_000 },
    async () => {
      const page = await dashboard.open('/')
      await page.getByText('Connected', { exact: true }).waitFor()
      await page.locator('[data-row]').first().waitFor()
      await pay(1_000, 1)
      await pay(600, 100)
      const told = page.getByRole('status', { name: 'Alerts of the monitors' })
      await told.getByText('payment.amount from erring-bank').waitFor(MINUTE)
      // A page opened after it was raised shows it, too, until it is over.
      const late = await dashboard.open('/')
      const standing = late.getByRole('status', { name: 'Alerts of the monitors' })
      await expect
        .poll(async () => {
          // The alert may still be on its way to the warehouse; the page asks once.
          await late.reload()
          return standing
            .getByText('payment.amount from erring-bank')
            .waitFor({ timeout: 5_000 })
            .then(
              () => true,
              () => false,
            )
        }, MINUTE)
        .toBe(true)
      // What came with it is shown, too.
      expect(await page.locator('[data-row]').count()).toBeGreaterThan(0)

      await expect
        .poll(async () => (await alerts('list')).stdout, MINUTE)
        .toMatch(/open .*data-quality:erring-bank:payment:amount:unit-change/)
      expect(await alerts('accept', 'data-quality:erring-bank:payment:amount')).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('say why'),
      })
      expect(await alerts('accept', 'drift', '--why', 'x')).toMatchObject({
        code: 66,
        stderr: expect.stringContaining('no open alert begins with'),
      })
      const accepted = await alerts(
        'accept',
        'data-quality:erring-bank:payment:amount:unit',
        '--why',
        'cents from now on, agreed with the bank',
      )
      expect(accepted).toMatchObject({ code: 0, stderr: '' })

      await told.waitFor({ state: 'detached', ...MINUTE })
      await standing.waitFor({ state: 'detached', ...MINUTE })
      await expect
        .poll(() => dashboard.sql("SELECT verdict, reason FROM alert_judgements WHERE alert_id LIKE 'data-quality:erring-bank:%'"), MINUTE)
        .toEqual([['accepted', 'cents from now on, agreed with the bank']])
      expect((await alerts('list')).stdout).not.toContain('erring-bank')
      expect((await alerts('list', '--all')).stdout).toMatch(/resolved .*erring-bank(?:.|\n)*accepted by .*cents from now on/)
      await page.goto(`${dashboard.url}/health`)
      await settled(page)
      await page
        .getByText(/accepted by .*: cents from now on, agreed with the bank/)
        .first()
        .waitFor()
      // The new unit is the usual one now: more of it raises nothing.
      await pay(1_500, 100)
      await expect
        .poll(async () => (await (await fetch(`${dashboard.url}/metrics`)).text()).includes('scorestream_monitoring_lag_records 0'), MINUTE)
        .toBe(true)
      expect(await dashboard.sql("SELECT count() FROM open_alerts WHERE producer = 'erring-bank'")).toEqual([[0]])
    },
  )
})
