/** `npm run bench:live`: whether the dashboard's Live view stays smooth while decisions pour in, in a real Chromium. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { CHROMIUM, CHROMIUM_ABSENT, CHROMIUM_FLAGS } from '../test/web/chromium.ts'
import type { BenchRow } from './bench-row.ts'
import { tableOf } from './bench-table.ts'
import { type EngineProcess, startEngine } from './engine-process.ts'
import { type LoadBody, loadBodies, stamp } from './load-bodies.ts'
import { machineLine } from './machine.ts'

const HELP = `Usage: npm run bench:live -- [options]

Sends 500 applications a second to an engine and counts, in the Live view of its dashboard, frames that took longer than 50 ms and long tasks; then the
same of an empty page under the same load, which is the machine's own share.

Options:
  --seconds N   recorded seconds (default 30)
  --rate N      applications a second (default 500)
  --help        this text

Exit codes: 0 measured, 64 usage.
`
const WARM_S = 5
const LINES = 25
const FRAME_MS_MAX = 50

interface Smoothness {
  readonly frames: number
  readonly slow: number
  readonly longestMs: number
  readonly p99Ms: number
  readonly longTasks: number
  readonly longestTaskMs: number
}

/** What the page has and Node has not. */
interface PageGlobals {
  requestAnimationFrame(frame: () => void): void
  PerformanceObserver: new (seen: (list: { getEntries(): readonly { readonly duration: number }[] }) => void) => {
    observe(options: { readonly type: 'longtask' }): void
    disconnect(): void
  }
}

/** Runs in the page: intervals between animation frames, and tasks that held the main thread for 50 ms. */
const record = (page: Page, seconds: number): Promise<Smoothness> =>
  page.evaluate(
    ({ seconds: during, limit }) =>
      new Promise<Smoothness>((resolve) => {
        const inPage = globalThis as unknown as PageGlobals
        const tasks: number[] = []
        const observer = new inPage.PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) tasks.push(duration)
        })
        observer.observe({ type: 'longtask' })
        const gaps: number[] = []
        let last = performance.now()
        const until = last + during * 1_000
        const frame = (): void => {
          const now = performance.now()
          gaps.push(now - last)
          last = now
          if (now < until) {
            inPage.requestAnimationFrame(frame)
            return
          }
          observer.disconnect()
          const sorted = gaps.toSorted((a, b) => a - b)
          resolve({
            frames: gaps.length,
            slow: gaps.filter((gap) => gap > limit).length,
            longestMs: sorted.at(-1) ?? 0,
            p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
            longTasks: tasks.length,
            longestTaskMs: Math.max(0, ...tasks),
          })
        }
        inPage.requestAnimationFrame(frame)
      }),
    { seconds, limit: FRAME_MS_MAX },
  )

/** Sends at the rate until it is told to end; the promise says how many applications were taken. */
const sendAt = (http: string, rate: number): (() => Promise<number>) => {
  const bodies = loadBodies('demo-applications', LINES)
  const began = performance.now()
  let stopping = false
  let taken = 0
  const run = async (): Promise<void> => {
    for (let sent = 0; !stopping;) {
      if (sent * LINES >= ((performance.now() - began) / 1_000) * rate) {
        await sleep(5)
        continue
      }
      const bytes = stamp(bodies[sent % bodies.length] as LoadBody, Math.floor(sent / bodies.length))
      const answer = await fetch(`${http}/v1/events`, { method: 'POST', body: bytes, headers: { 'content-type': 'application/x-ndjson' } })
      if (answer.status !== 202) throw new Error(`the engine answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`)
      await answer.arrayBuffer()
      sent++
      taken += LINES
    }
  }
  const running = run()
  running.catch(() => {})
  return async () => {
    stopping = true
    await running
    return taken
  }
}

const figure = (page: Page, name: string): Promise<number> =>
  page
    .locator(`[data-figure=${name}]`)
    .textContent()
    .then((text) => Number(text?.replaceAll(',', '')))

const rowsOf = (live: Smoothness, empty: Smoothness, conditions: string): BenchRow[] => [
  {
    name: 'live.slow_frames',
    value: live.slow,
    unit: `frames over ${FRAME_MS_MAX} ms`,
    peer: 'an empty page, same load',
    peerValue: empty.slow,
    ratio: null,
    conditions: `${live.frames} frames, 99 % within ${live.p99Ms.toFixed(1)} ms, longest ${live.longestMs.toFixed(1)} ms (empty page: ${empty.frames}, ${empty.p99Ms.toFixed(1)}, ${empty.longestMs.toFixed(1)}); ${conditions}`,
  },
  {
    name: 'live.long_tasks',
    value: live.longTasks,
    unit: 'tasks over 50 ms',
    peer: 'an empty page, same load',
    peerValue: empty.longTasks,
    ratio: null,
    conditions: `longest ${live.longestTaskMs.toFixed(1)} ms; ${conditions}`,
  },
]

const measure = async (engine: EngineProcess, seconds: number, rate: number): Promise<BenchRow[]> => {
  if (CHROMIUM === undefined) throw new Error(CHROMIUM_ABSENT)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  const stop = sendAt(engine.http, rate)
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    await page.goto(engine.http)
    await page.locator('[data-row]').first().waitFor()
    await sleep(WARM_S * 1_000)
    const live = await record(page, seconds)
    const [shown, conflated] = [await figure(page, 'rate'), await figure(page, 'conflated')]
    await page.goto('about:blank')
    const empty = await record(page, seconds)
    const conditions = `${seconds} s each at 1440 × 900, headless, software rendering; the view counted ${shown} decisions/s, of them ${conflated} not listed since it opened; engine, sender and browser on one machine; ${machineLine()}`
    return rowsOf(live, empty, conditions)
  } finally {
    await stop()
    await browser.close()
  }
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '30' },
      rate: { type: 'string', default: '500' },
      help: { type: 'boolean', default: false },
    },
  })
  const [seconds, rate] = [Number(values.seconds), Number(values.rate)]
  if (values.help || !(seconds > 0) || !(rate > 0)) {
    process.stderr.write(HELP)
    return values.help ? 0 : 64
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'scorestream-bench-'))
  const engine = await startEngine({ dataDir })
  try {
    process.stdout.write(tableOf(await measure(engine, seconds, rate)))
  } finally {
    await engine.end()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return 0
}

process.exitCode = await main()
