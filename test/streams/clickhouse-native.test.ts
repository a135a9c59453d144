/** The columnar encoder against the engine itself: what is written is what is read. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChdbEngine, type ChdbConnection } from '#streams/clickhouse/chdb-engine.ts'
import { FixedStringColumn, NumberColumn, StringColumn, varint } from '#streams/clickhouse/native-column.ts'
import { ArrayColumn, LowCardinalityColumn, nativeBlock, NullableNumberColumn } from '#streams/clickhouse/native-nested.ts'
import { openSpool, RowInserter } from '#streams/clickhouse/row-inserter.ts'
import { clearRows, type TableRows } from '#streams/clickhouse/table-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'scorestream-native-'))
let engine: ChdbEngine
let connection: ChdbConnection
let inserter: RowInserter

beforeAll(async () => {
  engine = new ChdbEngine(folder)
  connection = engine.connect()
  await connection.query('CREATE DATABASE t')
  await connection.query(`CREATE TABLE t.every (
    n UInt32, u8 UInt8, flag Bool, u16 UInt16, u32 UInt32, u64 UInt64, i64 Int64, f32 Float32, f64 Float64, at DateTime64(3, 'UTC'),
    text String, hash FixedString(8), low LowCardinality(String), maybe LowCardinality(Nullable(String)), number Nullable(UInt64),
    texts Array(String), lows Array(LowCardinality(String)), floats Array(Float32), doubles Array(Float64)) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100`)
  inserter = new RowInserter(connection, openSpool(folder), 't')
})
afterAll(async () => {
  await connection.close()
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

const rowsOf = (): TableRows & { readonly columns: ReturnType<typeof columns> } => ({ table: 'every', columns: columns() })
const columns = () => ({
  n: new NumberColumn('UInt32'),
  u8: new NumberColumn('UInt8'),
  flag: new NumberColumn('Bool'),
  u16: new NumberColumn('UInt16'),
  u32: new NumberColumn('UInt32'),
  u64: new NumberColumn('UInt64'),
  i64: new NumberColumn('Int64'),
  f32: new NumberColumn('Float32'),
  f64: new NumberColumn('Float64'),
  at: new NumberColumn("DateTime64(3, 'UTC')"),
  text: new StringColumn(),
  hash: new FixedStringColumn(8),
  low: new LowCardinalityColumn(),
  maybe: new LowCardinalityColumn({ nullable: true }),
  number: new NullableNumberColumn('UInt64'),
  texts: new ArrayColumn(new StringColumn()),
  lows: new ArrayColumn(new LowCardinalityColumn()),
  floats: new ArrayColumn(new NumberColumn('Float32')),
  doubles: new ArrayColumn(new NumberColumn('Float64')),
})

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ minLength: 120, maxLength: 300 }),
  fc.constantFrom('', '\n\n', "';--", 'é'.repeat(80)),
)
const low = fc.constantFrom('', 'approve', 'refer', 'decline', 'ünï')
const safe = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
const row = fc.record({
  u8: fc.integer({ min: 0, max: 255 }),
  flag: fc.boolean(),
  u16: fc.integer({ min: 0, max: 65_535 }),
  u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  u64: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  i64: safe,
  f32: fc.float({ noDefaultInfinity: true, noNaN: true }),
  f64: fc.double({ noDefaultInfinity: true, noNaN: true }),
  at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  text,
  hash: fc.stringMatching(/^[0-9a-f]{8}$/),
  low,
  maybe: fc.option(low),
  number: fc.option(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
  texts: fc.array(text, { maxLength: 4 }),
  lows: fc.array(low, { maxLength: 4 }),
  floats: fc.array(fc.float({ noDefaultInfinity: true, noNaN: true }), { maxLength: 5 }),
  doubles: fc.array(fc.double({ noDefaultInfinity: true, noNaN: true }), { maxLength: 5 }),
})
type Row = typeof row extends fc.Arbitrary<infer Value> ? Value : never

const push = (rows: ReturnType<typeof rowsOf>, value: Row, n: number): void => {
  const { columns: c } = rows
  c.n.push(n)
  for (const name of ['u8', 'u16', 'u32', 'u64', 'i64', 'f32', 'f64', 'at'] as const) c[name].push(value[name])
  c.flag.push(value.flag ? 1 : 0)
  c.text.push(value.text)
  c.hash.push(value.hash)
  c.low.push(value.low)
  c.maybe.push(value.maybe)
  c.number.push(value.number)
  for (const one of value.texts) c.texts.items.push(one)
  c.texts.end()
  for (const one of value.lows) c.lows.items.push(one)
  c.lows.end()
  c.floats.items.pushAll(Float32Array.from(value.floats))
  c.floats.end()
  c.doubles.items.pushAll(Float64Array.from(value.doubles))
  c.doubles.end()
}

/** JSON has no negative zero; the bytes do, but equality of numbers is what is asked here. */
const plain = (value: Row): unknown =>
  JSON.parse(JSON.stringify({ ...value, at: new Date(value.at).toISOString().replace('T', ' ').replace('Z', '') }))

describe('the Native encoder', () => {
  it('whatever is put into columns is read back by the engine', async () => {
    const rows = rowsOf()
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), async (values) => {
        await connection.query('TRUNCATE TABLE t.every')
        clearRows(rows)
        values.forEach((value, n) => push(rows, value, n))
        await inserter.insert(rows, crypto.randomUUID())
        const read = await connection.rows<Record<string, unknown>>(
          `SELECT * EXCEPT (n, u64, i64, number), toString(u64) AS u64, toString(i64) AS i64, toString(number) AS number FROM t.every ORDER BY n`,
        )
        // Float32 is printed with the digits that identify it among float32s; adding zero turns −0, which JSON.stringify loses, into 0.
        const back = read.map((found) => ({
          ...found,
          f32: Math.fround(found['f32'] as number) + 0,
          f64: (found['f64'] as number) + 0,
          floats: (found['floats'] as number[]).map((one) => Math.fround(one) + 0),
          doubles: (found['doubles'] as number[]).map((one) => one + 0),
          u64: Number(found['u64']),
          i64: Number(found['i64']),
          number: found['number'] === null ? null : Number(found['number']),
        }))
        expect(back).toEqual(values.map(plain))
      }),
      { numRuns: 40 },
    )
  })

  it('more distinct texts than one byte, or two, can number', async () => {
    for (const distinct of [256, 257, 70_000]) {
      await connection.query('TRUNCATE TABLE t.every')
      const rows: TableRows & { columns: { n: NumberColumn; low: LowCardinalityColumn; maybe: LowCardinalityColumn } } = {
        table: 'every',
        columns: { n: new NumberColumn('UInt32'), low: new LowCardinalityColumn(), maybe: new LowCardinalityColumn({ nullable: true }) },
      }
      for (let n = 0; n < distinct; n++) {
        rows.columns.n.push(n)
        rows.columns.low.push(`v${n}`)
        rows.columns.maybe.push(n % 3 === 0 ? null : `w${n}`)
      }
      await inserter.insert(rows, `distinct ${distinct}`)
      const [seen] = await connection.rows<Record<string, number>>(
        `SELECT countIf(low = concat('v', toString(n))) AS low, countIf(if(n % 3 = 0, maybe IS NULL, maybe = concat('w', toString(n)))) AS maybe FROM t.every`,
      )
      expect(seen).toEqual({ low: distinct, maybe: distinct })
    }
  })

  it('missing values of a vector stay NaN', async () => {
    await connection.query('TRUNCATE TABLE t.every')
    const floats = new ArrayColumn(new NumberColumn('Float32'))
    const n = new NumberColumn('UInt32')
    floats.items.pushAll(Float32Array.of(1, Number.NaN, -0, Number.POSITIVE_INFINITY))
    floats.end()
    n.push(0)
    await inserter.insert({ table: 'every', columns: { n, floats } }, 'nan')
    expect((await connection.query('SELECT arrayMap(x -> isNaN(x), floats), floats[4] = inf FROM t.every')).bytes.toString()).toBe(
      '[0,1,0,0]\t1\n',
    )
  })

  it('one insert is one part, and the same token twice inserts once', async () => {
    await connection.query('TRUNCATE TABLE t.every')
    const n = new NumberColumn('UInt32')
    for (let i = 0; i < 20_000; i++) n.push(i)
    await inserter.insert({ table: 'every', columns: { n } }, 'same')
    await inserter.insert({ table: 'every', columns: { n } }, 'same')
    const [seen] = await connection.rows<{ rows: number; parts: number }>(
      `SELECT sum(rows) AS rows, count() AS parts FROM system.parts WHERE database = 't' AND table = 'every' AND active`,
    )
    expect(seen).toEqual({ rows: 20_000, parts: 1 })
  })

  it('columns of different length are refused before anything is written', () => {
    const a = new NumberColumn('UInt8')
    a.push(1)
    expect(() => nativeBlock({ a, b: new StringColumn() })).toThrow('column b has 0 rows, the block 1')
  })

  it('lengths are written as LEB128', () => {
    expect([...varint(0)]).toEqual([0])
    expect([...varint(127)]).toEqual([127])
    expect([...varint(128)]).toEqual([0x80, 1])
    expect([...varint(300)]).toEqual([0xac, 2])
    expect([...varint(2 ** 35)]).toEqual([0x80, 0x80, 0x80, 0x80, 0x80, 1])
  })
})
