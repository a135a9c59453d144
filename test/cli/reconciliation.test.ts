/** The reconciler in its place: figures at /metrics, rows in the table, the same as the analyst's query; with the warehouse and without. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startEngine, type EngineProcess } from '../crash/engine-process.ts'
import { scorestream } from './command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'scorestream-reconciliation-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const APPLICATIONS = 40

const postApplications = async ({ http }: EngineProcess): Promise<void> => {
  const lines = Array.from({ length: APPLICATIONS }, (_, n) =>
    JSON.stringify({
      eventId: `e${n}`,
      kind: 'application',
      applicantId: `tw-${n}`,
      eventTime: '2005-09-14T08:30:00Z',
      producer: 'test',
      applicationId: `a${n}`,
      product: 'credit-line',
      amount: 500_000,
      currency: 'TWD',
      termMonths: 0,
      purpose: 'test',
      channel: 'online',
    }),
  ).join('\n')
  const { status } = await fetch(`${http}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: lines })
  expect(status).toBe(202)
}

const figures = async ({ http }: EngineProcess): Promise<Record<string, number>> => {
  const text = await (await fetch(`${http}/metrics`)).text()
  return Object.fromEntries(
    [...text.matchAll(/^scorestream_reconciler_(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  )
}

const settled = async (engine: EngineProcess): Promise<Record<string, number>> => {
  for (;;) {
    const found = await figures(engine)
    if (found['decided'] === APPLICATIONS && found['lag_records'] === 0) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const SOUND = { applications: APPLICATIONS, decided: APPLICATIONS, lost: 0, conflicting: 0, repeated: 0, in_flight: 0, dead_lettered: 0 }

test('without a warehouse the figures are there, and a restart counts nothing twice', async () => {
  const dataDir = join(folder, 'off')
  const first = await startEngine(dataDir)
  await postApplications(first)
  expect(await settled(first)).toMatchObject(SOUND)
  expect(await first.end()).toBe(0)
  const second = await startEngine(dataDir)
  expect(await settled(second)).toMatchObject(SOUND)
  expect(await second.end()).toBe(0)
}, 60_000)

test('with a warehouse the table says what the query says', async () => {
  const dataDir = join(folder, 'embedded')
  const engine = await startEngine(dataDir, { environment: { SCORESTREAM_WAREHOUSE_KIND: 'embedded' } })
  await postApplications(engine)
  expect(await settled(engine)).toMatchObject(SOUND)
  const query = async (sql: string): Promise<object[]> => {
    const { code, stdout, stderr } = await scorestream(['query', '--format', 'JSONEachRow', sql], { SCORESTREAM_DATA_DIR: dataDir })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as object)
  }
  const sums = 'sum(applications) AS applications, sum(decided) AS decided, sum(lost) AS lost, sum(conflicting) AS conflicting'
  const latest = `SELECT ${sums} FROM (SELECT * FROM reconciliation ORDER BY checked_at DESC LIMIT 1 BY partition)`
  for (let rows = await query(latest); (rows[0] as { decided: number }).decided !== APPLICATIONS; rows = await query(latest))
    await new Promise((resolve) => setTimeout(resolve, 200))
  expect(await query(`SELECT ${sums} FROM reconciliation_now`)).toEqual(await query(latest))
  expect(await engine.end()).toBe(0)
}, 60_000)
