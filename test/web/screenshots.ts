/** `npm run screenshots`: pictures of every view of the dashboard, for the eyes of whoever changes it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Dashboard, type DashboardOptions, settled, startDashboard } from './dashboard.ts'
import { paymentLines } from './payment-lines.ts'
import { EMPTY_SCENES, NO_WAREHOUSE_SCENES, portfolioScenes, type Scene, TOKEN_SCENES } from './screenshot-scenes.ts'

const HELP = `Usage: npm run screenshots -- FOLDER [options]

Starts engines on temporary directories, one with a sixth of the demo portfolio, an alert and refused events, one without any event, one without a
warehouse and one that wants a token, and writes a PNG of every view of their dashboards, settled, as SCENE.THEME.WIDTH.png. Needs Chromium.

Options:
  --only TEXT     only scenes whose name holds this
  --widths LIST   widths in pixels (default 1280,360)
  --themes LIST   light, dark or both (default light,dark)
  --help          this text

Exit codes: 0 written, 1 a page complained or did not settle, 64 usage.
`
const HEIGHTS = { wide: 900, narrow: 740 }
const NARROW_MAX = 600
/** Clients enough for the monitors' windows to close. */
const EVERY = 6
/** What passes through log, monitors and warehouse takes its time on a busy machine. */
const ARRIVAL_MS_MAX = 120_000

interface Shots {
  readonly folder: string
  readonly only: string
  readonly widths: readonly number[]
  readonly themes: readonly ('light' | 'dark')[]
}

const shoot = async (dashboard: Dashboard, scenes: readonly Scene[], { folder, only, widths, themes }: Shots): Promise<number> => {
  let failed = 0
  for (const { name, path, pose, window = false } of scenes.filter((scene) => scene.name.includes(only)))
    for (const colorScheme of themes)
      for (const width of widths) {
        const file = `${name}.${colorScheme}.${width}.png`
        const height = width <= NARROW_MAX ? HEIGHTS.narrow : HEIGHTS.wide
        const page = await dashboard.open(path, { colorScheme, viewport: { width, height }, reducedMotion: 'reduce' })
        try {
          await settled(page)
          await pose?.(page)
        } catch (error) {
          failed++
          process.stderr.write(`${file} shows a page that did not settle: ${String(error).split('\n')[0]}\n`)
        }
        // What a pose scrolled to is in the picture anyway.
        await page.evaluate(() => scrollTo(0, 0))
        await page.screenshot({ path: join(folder, file), fullPage: !window })
        await page.context().close()
      }
  return failed
}

/** Polls the warehouse until the statement's first figure is above zero. */
const arrived = async (dashboard: Dashboard, statement: string): Promise<void> => {
  const until = performance.now() + ARRIVAL_MS_MAX
  while (Number((await dashboard.sql(statement))[0]?.[0]) === 0) {
    if (performance.now() > until) throw new Error(`nothing came within ${ARRIVAL_MS_MAX / 1_000} s: ${statement}`)
    await sleep(250)
  }
}

/** A bank that changes the unit of its amounts, events that no schema takes. */
const upset = async (dashboard: Dashboard): Promise<void> => {
  const send = (body: string): Promise<Response> =>
    fetch(`${dashboard.url}/v1/events`, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } })
  for (const [from, count, factor] of [
    [0, 1_000, 1],
    [1_000, 600, 100],
  ] as const) {
    const answer = await send(paymentLines(from, count, factor))
    if (answer.status !== 202) throw new Error(`payments: ${answer.status} ${await answer.text()}`)
  }
  const refused = [
    { eventId: 'refused-1', kind: 'payment', producer: 'erring-bank' },
    { eventId: 'refused-2', kind: 'wish', producer: 'erring-bank' },
  ]
  for (const event of refused) await dashboard.post('/v1/events', event)
  await arrived(dashboard, 'SELECT count() FROM open_alerts')
  await arrived(dashboard, 'SELECT count() FROM dead_letters')
  await arrived(dashboard, 'SELECT count() FROM drift')
}

const against = async (
  options: DashboardOptions,
  scenesOf: (dashboard: Dashboard) => Promise<readonly Scene[]>,
  shots: Shots,
): Promise<number> => {
  const dashboard = await startDashboard(options)
  try {
    return await shoot(dashboard, await scenesOf(dashboard), shots)
  } finally {
    await dashboard.close()
  }
}

const take = async (shots: Shots): Promise<number> => {
  const wanted = (scenes: readonly Scene[]): boolean => scenes.some(({ name }) => name.includes(shots.only))
  const secrets = mkdtempSync(join(tmpdir(), 'scorestream-screenshots-'))
  const tokensFile = join(secrets, 'tokens')
  writeFileSync(tokensFile, 'desk reader 0123456789abcdef0123456789abcdef\n', { mode: 0o600 })
  try {
    let failed = 0
    for (const [scenes, environment] of [
      [EMPTY_SCENES, {}],
      [NO_WAREHOUSE_SCENES, { SCORESTREAM_WAREHOUSE_KIND: 'off' }],
      [TOKEN_SCENES, { SCORESTREAM_GATEWAY_TOKENS_FILE: tokensFile }],
    ] as const)
      if (wanted(scenes)) failed += await against({ portfolio: false, environment }, async () => scenes, shots)
    return (
      failed +
      (await against(
        { every: EVERY },
        async (dashboard) => {
          await upset(dashboard)
          return portfolioScenes(dashboard)
        },
        shots,
      ))
    )
  } finally {
    rmSync(secrets, { recursive: true })
  }
}

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      widths: { type: 'string', default: '1280,360' },
      themes: { type: 'string', default: 'light,dark' },
      help: { type: 'boolean', default: false },
    },
  })
  const [folder, ...rest] = positionals
  const widths = values.widths.split(',').map(Number)
  const themes = values.themes.split(',').filter((theme) => theme === 'light' || theme === 'dark')
  if (values.help || folder === undefined || rest.length > 0 || themes.length === 0 || widths.some((width) => !(width >= 200))) {
    process.stderr.write(HELP)
    return values.help ? 0 : 64
  }
  mkdirSync(folder, { recursive: true })
  return (await take({ folder: resolve(folder), only: values.only, widths, themes })) === 0 ? 0 : 1
}

process.exitCode = await main()
