/** From a producer's fault to a person's judgement of it, through log, monitoring, warehouse, feed, page and command. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scorestream } from '../cli/command-line.ts'
import { type Dashboard, noBrowser, settled, startDashboard } from './dashboard.ts'

/** Log, monitoring and warehouse take their time on a busy machine. */
const PATIENTLY = { timeout: 60_000 }

let dashboard: Dashboard
beforeAll(async () => {
  if (noBrowser) return
  dashboard = await startDashboard()
}, 180_000)
afterAll(() => dashboard?.close())

let sent = 0
/** Payments of one bank, each window of monitoring holding 500; amounts spread over two powers of ten. */
const pay = async (count: number, factor: number): Promise<void> => {
  const lines = Array.from({ length: count }, () => {
    const n = sent++
    return JSON.stringify({
      eventId: `payment-${n}`,
      kind: 'payment',
      applicantId: `paying-${n % 50}`,
      eventTime: '2006-11-01T00:00:00Z',
      producer: 'erring-bank',
      accountId: `account-${n % 50}`,
      amount: Math.round(1_000 * 100 ** ((n % 97) / 97)) * factor,
      currency: 'TWD',
      period: '2006-10',
    })
  })
  const response = await fetch(`${dashboard.url}/v1/events`, {
    method: 'POST',
    body: lines.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  expect(response.status, await response.text()).toBe(202)
}

const alerts = (...args: string[]) =>
  scorestream(['alerts', ...args, '--data-dir', dashboard.dataDir], { SCORESTREAM_WAREHOUSE_KIND: 'embedded' })

test.skipIf(noBrowser)(
  'a changed unit is told on the open page, stays until somebody accepts it, and who did so, and why, can be asked for',
  { timeout: 300_000 },
  async () => {
    const page = await dashboard.open('/')
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.locator('[data-row]').first().waitFor()
    await pay(1_000, 1)
    await pay(600, 100)
    const told = page.getByRole('status', { name: 'Alerts of the monitors' })
    await told.getByText('payment.amount from erring-bank').waitFor(PATIENTLY)
    // What came with it is shown, too.
    expect(await page.locator('[data-row]').count()).toBeGreaterThan(0)

    await expect
      .poll(async () => (await alerts('list')).stdout, PATIENTLY)
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

    await told.waitFor({ state: 'detached', ...PATIENTLY })
    await expect
      .poll(() => dashboard.sql("SELECT verdict, reason FROM alert_judgements WHERE alert_id LIKE 'data-quality:erring-bank:%'"), PATIENTLY)
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
      .poll(
        async () => (await (await fetch(`${dashboard.url}/metrics`)).text()).includes('scorestream_monitoring_lag_records 0'),
        PATIENTLY,
      )
      .toBe(true)
    expect(await dashboard.sql("SELECT count() FROM open_alerts WHERE producer = 'erring-bank'")).toEqual([[0]])
    expect(dashboard.complaints).toEqual([])
  },
)
