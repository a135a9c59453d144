/** Live features held against what came later, and against the raw events, through a whole engine: topic, tables, metrics, command line. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publish } from '#registry/publish.ts'
import { resolve } from '#registry/resolve.ts'
import type { CreditEvent } from '#schemas/events.ts'
import { eventToJson } from '#schemas/parse-event.ts'
import { epochMs, moneyMinor } from '#schemas/units.ts'
import { openWarehouse } from '#streams/clickhouse/warehouse.ts'
import { fitOutlierPart } from '#training/outlier/fit-outlier-part.ts'
import { startEngine, type EngineProcess } from '../crash/engine-process.ts'
import { eventsOf } from '../crash/events.ts'
import { scorestream } from './command-line.ts'

const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'scorestream-revisions-'))
const dataDir = join(folder, 'data')
const modelsDir = join(folder, 'models')
const events = eventsOf(8)
const asked = events.find((event) => event.kind === 'application')!
let engine: EngineProcess

const post = async (some: readonly CreditEvent[]): Promise<void> => {
  const body = some.map((event) => JSON.stringify(eventToJson(event))).join('\n')
  const { status } = await fetch(`${engine.http}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body })
  expect(status).toBe(202)
}

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${engine.http}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

/** Every wait of this file ends with the test's own limit. */
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100))
}

const query = async (sql: string): Promise<object[]> => {
  const { code, stdout, stderr } = await scorestream(['query', '--format', 'JSONEachRow', sql], { SCORESTREAM_DATA_DIR: dataDir })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as object)
}

/** What a meter would have left that found five mismatches. */
const plantMismatch = async (): Promise<void> => {
  const warehouse = await openWarehouse(dataDir)
  const measured_at = new Date(Date.now() + 60_000).toISOString().replace('T', ' ').replace('Z', '')
  const row = { measured_at, feature_set_hash: 'x', seed: 1, decisions: 1, values: 70, mismatches: 5, mismatch_rate: 5 / 70 }
  await warehouse.writer().inserter.insertObjects('parity', [row])
  await warehouse.close()
}

const settings = {
  environment: { SCORESTREAM_WAREHOUSE_KIND: 'embedded', SCORESTREAM_PARITY_EVERY_SECONDS: '1', SCORESTREAM_MODELS_DIR: modelsDir },
}

beforeAll(async () => {
  cpSync(join(import.meta.dirname, '../../models'), modelsDir, { recursive: true })
  engine = await startEngine(dataDir, settings)
  await post(events)
}, 60_000)
afterAll(async () => {
  await engine.kill()
  rmSync(folder, { recursive: true, force: true })
})

test('a late payment revises a decision, and everybody is told the same', { timeout: 60_000 }, async () => {
  const late = moneyMinor(1_000_000)
  await post([
    {
      kind: 'payment',
      eventId: 'late-1',
      applicantId: asked.applicantId,
      eventTime: epochMs(asked.eventTime - 3 * DAY_MS),
      producer: 'test',
      accountId: 'card',
      amount: late,
      currency: 'TWD',
    },
  ])
  await until(async () => (await metric('scorestream_revisions')) === 1)
  const sql = `SELECT decision_id, applicant_id, cause_event_id, cause_kind, decision, revised_decision, flips, changed, old_values, new_values FROM revisions_latest`
  await until(async () => (await query(sql)).length === 1)
  const [row] = (await query(sql)) as {
    decision_id: string
    decision: string
    revised_decision: string
    flips: boolean
    changed: string[]
    old_values: (number | null)[]
    new_values: (number | null)[]
  }[]
  expect(row).toMatchObject({ applicant_id: asked.applicantId, cause_event_id: 'late-1', cause_kind: 'payment' })
  const paid = row!.changed.indexOf('applicant.payment.amount.sum.3mo')
  expect(row!.new_values[paid]! - row!.old_values[paid]!).toBe(late)
  expect(row!.flips).toBe(row!.decision !== row!.revised_decision)

  const { code, stdout, stderr } = await scorestream(['features', 'as-of', row!.decision_id, '--json'], {
    SCORESTREAM_DATA_DIR: dataDir,
    SCORESTREAM_MODELS_DIR: modelsDir,
  })
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  const answer = JSON.parse(stdout) as {
    features: { name: string; asKnownThen: number | null; asKnownNow: number | null }[]
    late: object[]
    decision: string
    decisionNow: string
  }
  expect(answer.late).toMatchObject([{ eventId: 'late-1', kind: 'payment' }])
  expect([answer.decision, answer.decisionNow]).toEqual([row!.decision, row!.revised_decision])
  const changed = answer.features.filter((feature) => feature.asKnownThen !== feature.asKnownNow)
  expect(changed.map(({ name }) => name)).toEqual(row!.changed)
  // ClickHouse writes a float32 with as many digits as it takes.
  const rounded = (value: number | null) => (value === null ? null : Math.fround(value))
  expect(changed.map(({ asKnownNow }) => asKnownNow)).toEqual(row!.new_values.map(rounded))
  // Features of that moment are not rewritten: the capsule still replays.
  const replayed = await scorestream(['replay', row!.decision_id], { SCORESTREAM_DATA_DIR: dataDir })
  expect(replayed.stdout).toContain('the same, bit for bit')
  const told = await scorestream(['features', 'as-of', row!.decision_id], { SCORESTREAM_DATA_DIR: dataDir })
  expect(told.stdout).toMatch(/≠ applicant\.payment\.amount\.sum\.3mo/)
})

test('an engine that was killed goes on where it stood and revises nothing twice', { timeout: 60_000 }, async () => {
  await engine.kill()
  engine = await startEngine(dataDir, settings)
  await until(async () => (await metric('scorestream_revision_lag_records')) === 0 && (await metric('scorestream_revisions')) >= 1)
  expect(await query('SELECT count() AS rows FROM revisions')).toEqual([{ rows: 1 }])
})

test('a decision that nothing came in late for, and one that there is not, are told apart', { timeout: 30_000 }, async () => {
  const [other] = (await query(`SELECT decision_id FROM decisions WHERE applicant_id != '${asked.applicantId}' LIMIT 1`)) as {
    decision_id: string
  }[]
  const quiet = await scorestream(['features', 'as-of', other!.decision_id], { SCORESTREAM_DATA_DIR: dataDir })
  expect(quiet.code).toBe(0)
  expect(quiet.stdout).toContain('Nothing came in later')
  expect((await scorestream(['features', 'as-of', '0-999999'], { SCORESTREAM_DATA_DIR: dataDir })).code).toBe(66)
  expect((await scorestream(['features', 'as-of', 'soon'], { SCORESTREAM_DATA_DIR: dataDir })).code).toBe(64)
})

/** The shipped bundle with outlier scores fitted on its background; its version. */
const withOutlierScores = (): string => {
  const { directory, manifest } = resolve(modelsDir, 'credit@champion')
  const bytes = readFileSync(join(directory, manifest.background.file))
  const values = Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4))
  const { rows } = manifest.background
  const background = {
    rows,
    columns: manifest.features.length,
    values,
    labels: new Uint8Array(rows),
    applicantIds: Array.from({ length: rows }, String),
  }
  const { part, files } = fitOutlierPart(background, 1)
  const own = Object.keys(manifest.files).map((name) => [name, readFileSync(join(directory, name))] as const)
  const { format: _, version: __, files: ___, ...rest } = manifest
  return publish(modelsDir, { manifest: { ...rest, outlier: part }, files: new Map([...own, ...files]) }).version
}

test('past decisions are looked through for unusual applicants, by a bundle that can tell', { timeout: 60_000 }, async () => {
  const environment = { SCORESTREAM_DATA_DIR: dataDir, SCORESTREAM_MODELS_DIR: modelsDir }
  const without = await scorestream(['outliers'], environment)
  expect(without.code).toBe(66)
  expect(without.stderr).toMatch(/credit@\w+ has no outlier scores; train one with --outlier/)
  const asked = ['outliers', '--model', `credit@${withOutlierScores()}`]
  const { code, stdout, stderr } = await scorestream([...asked, '--json'], environment)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const found = JSON.parse(stdout) as {
    decisions: number
    limits: { forest: number; neighbours: number }
    unusual: { forest: number; neighbours: number }[]
  }
  const [{ decisions }] = (await query('SELECT toUInt32(uniqExact(decision_id)) AS decisions FROM decisions')) as [{ decisions: number }]
  expect(found.decisions).toBe(decisions)
  for (const { forest, neighbours } of found.unusual)
    expect(forest > found.limits.forest || neighbours > found.limits.neighbours).toBe(true)
  const told = await scorestream(asked, environment)
  expect(told.stdout).toContain(
    `${found.unusual.length} of ${decisions} decisions on applicants as unusual as one in a hundred in training`,
  )
})

test(
  'a promotion is refused while live features differ from what the events say, with figure, budget and remedy',
  { timeout: 60_000 },
  async () => {
    const environment = { SCORESTREAM_DATA_DIR: dataDir, SCORESTREAM_MODELS_DIR: modelsDir }
    await until(async () => (await metric('scorestream_parity_values')) > 0)
    expect(await metric('scorestream_parity_mismatch_rate')).toBe(0)
    const allowed = await scorestream(['models', 'promote', 'champion'], environment)
    expect(allowed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^live features: 0 of \d+ live feature values differ/) })
    await engine.end()
    await plantMismatch()
    const refused = await scorestream(['models', 'promote', 'champion'], environment)
    expect(refused.code).toBe(65)
    expect(refused.stderr).toMatch(
      /nothing is promoted: 5 of \d+ live feature values differ .* the budget is 0\. .*docs\/runbooks\/parity\.md/,
    )
    const raised = await scorestream(['models', 'promote', 'champion'], { ...environment, SCORESTREAM_PARITY_BUDGET: '0.5' })
    expect(raised.code).toBe(0)
  },
)
