/**
 * `npm run bench:import [-- --megabytes N] [--json FILE]`: CSV of the shape of Home Credit's application table (122 columns), generated; bytes a second
 * of CPU for finding cells, beside csv-parse, and for the whole import to a sorted file of events, beside DuckDB. Prints the memory it took.
 */
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parse } from 'csv-parse'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'
import { runImport } from '#streams/import/run-import.ts'
import { openBytes } from '#streams/import/source/byte-source.ts'
import { CsvScanner } from '#streams/import/source/csv-scanner.ts'
import { ndjsonTarget } from '#streams/import/target/ndjson-target.ts'
import { seededRandom } from '#training/random.ts'
import type { BenchRow } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'
import { duckdbImport } from './import-duckdb.ts'

const { values: options } = parseArgs({
  options: { megabytes: { type: 'string', default: '200' }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
})
if (options.help) {
  process.stdout.write('Usage: npm run bench:import -- [--megabytes N] [--json FILE]\n')
  process.exit(0)
}
const MEGA = 1e6
const COLUMNS = 122
const SEED = 20_180_517
/** The peers' rates do not depend on the size: of a large file they get a part. */
const PEER_MEGABYTES = 200
const MAPPING = join(import.meta.dirname, '../data/mappings/home-credit.yaml')
const FIXTURE = join(import.meta.dirname, '../test/import/fixtures/home-credit/application_train.csv')

const NAMES = {
  contract: ['Cash loans', 'Cash loans', 'Revolving loans'],
  sex: ['M', 'F', 'F'],
  income: ['Working', 'Commercial associate', 'Pensioner', 'State servant', 'Businessman'],
  education: ['Higher education', 'Secondary / secondary special'],
  family: ['Married', 'Single / not married', 'Widow'],
  housing: ['House / apartment', 'With parents', 'Rented apartment'],
  occupation: ['Laborers', '"Managers, senior"', ''],
  organisation: ['Business Entity Type 3', 'XNA', 'School'],
} as const

/** One client: every cell drawn, a sixth of the bureau's missing, two in a thousand whose amount is no number; then columns that the table has besides. */
const clientRow = (id: number, draw: () => number, others: number): string => {
  const among = (names: readonly string[]): string => names[Math.floor(draw() * names.length)]!
  const credit = Math.round(draw() * 100_000) * 13.5
  const asked = draw() < 1 / 6
  const cells = [
    `${id},${draw() < 0.08 ? 1 : 0},${among(NAMES.contract)},${among(NAMES.sex)},${among(['Y', 'N'])},${Math.floor(draw() * 3)}`,
    `${(Math.round(25 + draw() * 400) * 900).toFixed(1)},${draw() < 0.002 ? 'n/a' : credit.toFixed(1)},${(credit / 20 + 9).toFixed(1)}`,
    `${(credit * 0.9).toFixed(1)},${among(NAMES.income)},${among(NAMES.education)},${among(NAMES.family)},${among(NAMES.housing)}`,
    `${-Math.floor(7_500 + draw() * 17_000)},${draw() < 0.18 ? 365_243 : -Math.floor(draw() * 8_000)},${among(NAMES.occupation)}`,
    `${among(NAMES.organisation)},${draw().toFixed(9)}`,
    ...[1, 1, 1, 3, 4, 8].map((values) => (asked ? '' : Math.floor(draw() * values).toFixed(1))),
  ]
  for (let at = 0; at < others; at++) cells.push(at % 3 === 0 ? '' : at % 3 === 1 ? `${Math.floor(draw() * 2)}` : draw().toFixed(4))
  return cells.join(',')
}

/** Columns of the published table, under the fixture's header and names of their own. */
const generate = (path: string, bytes: number): number => {
  const [head = ''] = readFileSync(FIXTURE, 'utf8').split('\n')
  const others = COLUMNS - head.split(',').length
  const file = openSync(path, 'w')
  const draw = seededRandom(SEED)
  let written = writeSync(file, `${head}${Array.from({ length: others }, (_, at) => `,EXTRA_${at}`).join('')}\n`)
  let rows = 0
  while (written < bytes) {
    const lines = Array.from({ length: 1_000 }, () => `${clientRow(100_000 + rows++, draw, others)}\n`)
    written += writeSync(file, lines.join(''))
  }
  closeSync(file)
  return rows
}

const cpuSeconds = async (work: () => Promise<void>): Promise<number> => {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

const scan = async (path: string): Promise<void> => {
  const bytes = openBytes(path, 0)
  const scanner = new CsvScanner(',')
  for (let chunk = await bytes.read(); chunk !== undefined; chunk = await bytes.read()) {
    scanner.push(chunk)
    while (scanner.next() !== 'more');
  }
}

const parseAll = async (path: string): Promise<void> => {
  const records = createReadStream(path, { highWaterMark: MEGA }).pipe(parse({ columns: false }))
  for await (const record of records) void record
}

const importAll = async (path: string, folder: string): Promise<void> => {
  const mappingText = readFileSync(MAPPING, 'utf8')
  await runImport({
    mapping: readMapping(mappingText, MAPPING),
    mappingText,
    given: [path],
    withProtected: true,
    folder: join(folder, 'work'),
    resume: false,
    target: async (position) => ndjsonTarget(join(folder, 'events.ndjson'), position),
    rejectsFile: null,
  })
}

const folder = mkdtempSync(join(tmpdir(), 'scorestream-bench-import-'))
try {
  const path = join(folder, 'application_train.csv')
  const part = join(folder, 'part.csv')
  generate(part, Math.min(PEER_MEGABYTES, Number(options.megabytes)) * MEGA)
  const partMegabytes = statSync(part).size / MEGA
  const rows = generate(path, Number(options.megabytes) * MEGA)
  const megabytes = statSync(path).size / MEGA
  const imported = megabytes / (await cpuSeconds(() => importAll(path, folder)))
  const residentMegabytes = process.resourceUsage().maxRSS / 1_000
  const scanned = megabytes / (await cpuSeconds(() => scan(path)))
  const peer = partMegabytes / (await cpuSeconds(() => parseAll(part)))
  const duckdb = partMegabytes / (await cpuSeconds(() => duckdbImport(part, join(folder, 'duckdb.ndjson'))))
  const of = `${Math.round(megabytes)} MB, ${rows} rows of 122 columns, made; MB per second of CPU, one run`
  const table: BenchRow[] = [
    {
      name: 'import.scan',
      value: scanned,
      unit: 'MB/s',
      peer: 'csv-parse',
      peerValue: peer,
      ratio: scanned / peer,
      conditions: `${of}; finding cells. csv-parse makes a text of every cell`,
    },
    {
      name: 'import.whole',
      value: imported,
      unit: 'MB/s',
      peer: 'DuckDB',
      peerValue: duckdb,
      ratio: imported / duckdb,
      conditions: `${of}; four events a row, mapped, validated, sorted on disk, written. DuckDB makes the same four by SQL in memory, on one thread, of ${Math.round(partMegabytes)} MB, and checks nothing`,
    },
    {
      name: 'import.resident',
      value: residentMegabytes,
      unit: 'MB',
      peer: null,
      peerValue: null,
      ratio: null,
      conditions: `${of}; most memory of the process, after the import and before the peers`,
    },
  ]
  process.stdout.write(tableOf(table))
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(table))
} finally {
  rmSync(folder, { recursive: true })
}
