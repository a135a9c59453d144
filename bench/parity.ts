/**
 * Live features against the raw events, at scale: `npm run bench:parity [-- --copies 5]`. Serves as users do, posts the demo stream several times over
 * (other applicants each time, all times of a copy moved by other days and hours, so that months, windows and ties fall otherwise), and has the
 * parity meter compare every value of every decision: 2.1 million a copy. Prints what was compared, and the differences. Not a measure of speed.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { partsOf } from '#features/set-parts.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { applicantId, epochMs } from '#schemas/units.ts'
import { measureParity, type ParityMismatch } from '#streams/clickhouse/parity.ts'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { startEngine } from './engine-process.ts'

const HOUR_MS = 3_600_000
/** Hours a copy lies behind the one before it: 37 days and 7 hours are a multiple of neither months nor days. */
const SHIFT_HOURS = 37 * 24 + 7
const LINES = 2_000
const PAGE = 10_000

const { values } = parseArgs({ options: { copies: { type: 'string', default: '5' } } })
const copies = Number(values.copies)
if (!Number.isInteger(copies) || copies < 1 || copies > 50) throw new RangeError(`--copies takes 1 to 50, got "${values.copies}"`)

const copied = (event: CreditEvent, copy: number): CreditEvent => ({
  ...event,
  eventId: `${event.eventId}-${copy}`,
  applicantId: applicantId(`${event.applicantId}-${copy}`),
  eventTime: epochMs(event.eventTime + copy * SHIFT_HOURS * HOUR_MS),
  ...('applicationId' in event ? { applicationId: `${event.applicationId}-${copy}` } : {}),
})

const post = async (http: string, events: readonly CreditEvent[]): Promise<void> => {
  const body = events.map((event) => JSON.stringify(eventToJson(event))).join('\n')
  for (;;) {
    const { status } = await fetch(`${http}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body })
    if (status === 202) return
    if (status !== 503) throw new Error(`the engine answered ${status}`)
    await sleep(100)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'scorestream-bench-parity-'))
const engine = await startEngine({
  dataDir: join(folder, 'data'),
  environment: { SCORESTREAM_WAREHOUSE_KIND: 'embedded', SCORESTREAM_MONITORING_ENABLED: 'false', SCORESTREAM_RETRAIN_ENABLED: 'false' },
})
try {
  const { http } = engine
  const stream = demoStream(readFileSync(join(import.meta.dirname, '../data/taiwan/taiwan-credit-default.csv.gz')))
  for (let copy = 0; copy < copies; copy++) {
    let lines: CreditEvent[] = []
    for (const event of stream.events()) {
      lines.push(copied(event, copy))
      if (lines.length < LINES) continue
      await post(http, lines)
      lines = []
    }
    if (lines.length > 0) await post(http, lines)
    process.stderr.write(`copy ${copy + 1} of ${copies} posted\n`)
  }
  const rows = async (statement: string): Promise<object[]> => {
    const answer = await fetch(`${engine.sql}/?${new URLSearchParams({ default_format: 'JSON', database: 'scorestream' }).toString()}`, {
      method: 'POST',
      body: statement,
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(text.slice(0, 500))
    return (JSON.parse(text) as { data: object[] }).data
  }
  const lag = async (): Promise<number> =>
    (await engine.metric('scorestream_lag_records')) + (await engine.metric('scorestream_warehouse_lag_records'))
  // Nothing several times over: the warehouse tells its lag every half second.
  for (let quiet = 0; quiet < 3; quiet = (await lag()) === 0 ? quiet + 1 : 0) await sleep(600)
  const total = { decisions: 0, values: 0, mismatches: 0 }
  const examples: ParityMismatch[] = []
  for (let skip = 0; ; skip += PAGE) {
    const page = await measureParity({ featureSet: partsOf(creditFeatureSet), database: 'scorestream', sample: PAGE, seed: 1, skip, rows })
    if (page.decisions === 0) break
    total.decisions += page.decisions
    total.values += page.values
    total.mismatches += page.mismatches
    examples.push(...page.examples)
    process.stderr.write(`${total.values} values of ${total.decisions} decisions compared, ${total.mismatches} mismatches\n`)
  }
  process.stdout.write(`${JSON.stringify({ featureSetHash: creditFeatureSet.hash, copies, ...total, examples: examples.slice(0, 20) })}\n`)
  process.exitCode = total.mismatches === 0 && total.decisions > 0 ? 0 : 1
} finally {
  await engine.end()
  rmSync(folder, { recursive: true, force: true })
}
