/**
 * `npm run bench:import [-- --megabytes N] [--json FILE]`: CSV of the shape of Home Credit's application table (122 columns), generated; bytes a second
 * of CPU for finding cells, and for the whole import to a sorted file of events; csv-parse beside, on the same bytes. Prints the memory it took.
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
import type { BenchRow } from './bench-row.ts'
import { jsonOf, tableOf } from './bench-table.ts'

const { values: options } = parseArgs({
  options: { megabytes: { type: 'string', default: '200' }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
})
if (options.help) {
  process.stdout.write('Usage: npm run bench:import -- [--megabytes N] [--json FILE]\n')
  process.exit(0)
}
const MEGA = 1e6
const MAPPING = join(import.meta.dirname, '../data/mappings/home-credit.yaml')
const FIXTURE = join(import.meta.dirname, '../test/import/fixtures/home-credit/application_train.csv')

/** The fixture's first client over and over, with the columns that the published table has besides: averages of a building, flags. */
const generate = (path: string, bytes: number): number => {
  const [head = '', row = ''] = readFileSync(FIXTURE, 'utf8').split('\n')
  const others = 122 - head.split(',').length
  const file = openSync(path, 'w')
  let written = writeSync(file, `${head}${Array.from({ length: others }, (_, at) => `,EXTRA_${at}`).join('')}\n`)
  let rows = 0
  const tail = Array.from({ length: others }, (_, at) => (at % 3 === 0 ? ',' : at % 3 === 1 ? ',0' : `,0.0${at}91`)).join('')
  while (written < bytes) {
    const lines = Array.from({ length: 1_000 }, () => `${row.replace(/^\d+/, String(100_000 + rows++))}${tail}\n`)
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
  const rows = generate(path, Number(options.megabytes) * MEGA)
  const megabytes = statSync(path).size / MEGA
  const imported = megabytes / (await cpuSeconds(() => importAll(path, folder)))
  const residentMegabytes = process.resourceUsage().maxRSS / 1_000
  const scanned = megabytes / (await cpuSeconds(() => scan(path)))
  const peer = megabytes / (await cpuSeconds(() => parseAll(path)))
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
      peer: 'csv-parse',
      peerValue: peer,
      ratio: imported / peer,
      conditions: `${of}; four events a row, mapped, validated, sorted on disk, written. csv-parse only parses`,
    },
    {
      name: 'import.resident',
      value: residentMegabytes,
      unit: 'MB',
      peer: null,
      peerValue: null,
      ratio: null,
      conditions: `${of}; most memory of the process, after the import and before the peer`,
    },
  ]
  process.stdout.write(tableOf(table))
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(table))
} finally {
  rmSync(folder, { recursive: true })
}
