import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { LookupTable } from '#streams/import/lookup/lookup-table.ts'
import { importText, withFolder } from './import-world.ts'

const MAPPING = `mapping: moves
title: Account movements
producer: moves
tables:
  moves:
    files: ['*']
    applicant: =client
    key: =id
    events:
      - kind: transaction
        time: =date(day, 'YYYY-MM-DD')
        fields: { accountId: =client & '.1', amount: =money(amount), currency: EUR, direction: in, category: =what }
`
const ROWS = [
  { id: 'a', client: 'c1', day: '2020-02-29', amount: 12.5, what: 'salary, "net"' },
  { id: 'b', client: 'c2', day: '2019-12-31', amount: 0.1, what: 'přijem' },
  { id: 'c', client: 'c1', day: '2020-01-01', amount: 1e6, what: 'line\nfeed' },
]
const CSV = `id,client,day,amount,what\n${ROWS.map(({ id, client, day, amount, what }) => `${id},${client},${day},${amount},"${what.replaceAll('"', '""')}"`).join('\n')}\n`

const parquet = async (path: string): Promise<void> => {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  const values = ROWS.map(({ id, client, day, amount, what }) => `('${id}', '${client}', '${day}', ${amount}, '${what}')`).join(', ')
  await connection.run(
    `COPY (SELECT * FROM (VALUES ${values}) t(id, client, day, amount, what)) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
  )
  connection.closeSync()
  instance.closeSync()
}

test('CSV, gzipped CSV, NDJSON, a JSON array and Parquet of the same rows give the same events', async () => {
  await withFolder(async (folder) => {
    const file = (name: string, content: string | Buffer): string => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const files = [
      file('moves.csv', CSV),
      file('packed.csv.gz', gzipSync(CSV)),
      file('lines.ndjson', ROWS.map((row) => JSON.stringify(row)).join('\n')),
      file('array.json', JSON.stringify(ROWS, null, 2)),
      join(folder, 'moves.parquet'),
    ]
    await parquet(files.at(-1)!)
    const [csv, ...others] = await Promise.all(files.map((path) => importText(MAPPING, [path])))
    expect(csv!.events.map(({ eventId, amount, category }) => [eventId, amount, category])).toEqual([
      ['moves.b.transaction0', 10, 'přijem'],
      ['moves.c.transaction0', 100_000_000, 'line\nfeed'],
      ['moves.a.transaction0', 1_250, 'salary, "net"'],
    ])
    for (const other of others) expect(other.events).toEqual(csv!.events)
  })
})

test('every broken row is told of with its line, and the rest is imported', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'moves.csv')
    writeFileSync(
      path,
      'id,client,day,amount,what\na,c1,2020-02-30,1,x\nb,c1,2020-01-01\nc,c 1,2020-01-01,1,x\nd,c1,2020-01-01,-1,x\n\ne,c1,2020-01-01,1,x\n',
    )
    const { events, rejectLines } = await importText(MAPPING, [path])
    expect(events.map(({ eventId }) => eventId)).toEqual(['moves.e.transaction0'])
    expect(rejectLines).toMatchObject([
      { line: 2, errors: [{ field: 'eventTime', column: 'day', value: '"2020-02-30"', expected: 'a date like YYYY-MM-DD' }] },
      { line: 3, code: 'broken-record', detail: 'the line has 3 cells where the header has 5' },
      { line: 4, errors: [{ field: 'applicantId' }, { field: 'accountId' }] },
      { line: 5, errors: [{ field: 'amount', expected: expect.stringContaining('from 0 to') as unknown }] },
    ])
  })
})

test('a file that lacks a column of the mapping is refused by name', async () => {
  await withFolder(async (folder) => {
    writeFileSync(join(folder, 'moves.csv'), 'id,client,date,amount,what\n')
    await expect(importText(MAPPING, [folder])).rejects.toThrow(
      /does not fit table moves.*there is no column "day" .*did you mean "date"\?|the columns are id, client/,
    )
    await expect(importText(MAPPING, [join(folder, 'none.csv')])).rejects.toThrow(/there is no file or folder/)
  })
})

test('a lookup gives the same whether its groups fit into memory or not', async () => {
  await withFolder(async (folder) => {
    const tables = [5, 1_000].map(
      (groupsMax, at) => new LookupTable(join(folder, String(at)), ([a], [b]) => [Number(a) + Number(b)], groupsMax),
    )
    for (const table of tables) {
      for (let row = 0; row < 300; row++) table.add(`k${row % 17}`, [row])
      table.finish()
    }
    for (let key = 0; key < 18; key++) expect(tables[0]!.find(`k${key}`)).toEqual(tables[1]!.find(`k${key}`))
    expect(tables[0]!.find('k3')).toEqual([
      Array.from({ length: 300 }, (_, row) => row)
        .filter((row) => row % 17 === 3)
        .reduce((sum, row) => sum + row),
    ])
    for (const table of tables) await table.close()
  })
})
