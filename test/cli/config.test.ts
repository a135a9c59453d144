import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from '../../cli/config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
const load = (text: string, environment: NodeJS.ProcessEnv = {}) => {
  const file = join(folder, 'scorestream.yaml')
  writeFileSync(file, text)
  return loadConfig({ file, environment })
}

test('without a word everything is embedded, and each connection block has its defaults', () => {
  const { log, state, warehouse } = load('')
  expect([log.kind, state.kind, warehouse.kind]).toEqual(['embedded', 'embedded', 'embedded'])
  expect(log.kafka).toMatchObject({ brokers: ['127.0.0.1:9092'], replicas: 3, group: { id: 'scorestream' } })
  expect(state.redis).toMatchObject({ mode: 'single', addresses: '127.0.0.1:6379' })
  expect(warehouse.server).toMatchObject({ url: 'http://127.0.0.1:8123' })
})

test('the example of a cluster is a configuration, and differs from the default in adapters alone', () => {
  const cluster = loadConfig({ file: join(import.meta.dirname, '../../examples/cluster.yaml'), environment: {} })
  expect([cluster.log.kind, cluster.state.kind, cluster.warehouse.kind]).toEqual(['kafka', 'redis', 'off'])
  const { log: _log, state: _state, warehouse: _warehouse, ...rest } = cluster
  const { log: _l, state: _s, warehouse: _w, ...defaults } = load('')
  expect(rest).toEqual(defaults)
})

test('a key unknown inside a connection block is named with the nearest one', () => {
  expect(() => load('log: { kind: kafka, kafka: { broker: [a:1] } }')).toThrow(/log\.kafka\.broker".*log\.kafka\.brokers/)
  expect(() => load('state: { redis: { adresses: a:1 } }')).toThrow(/state\.redis\.addresses/)
})

test('lists come from the environment separated by commas', () => {
  const { log } = load('', { SCORESTREAM_LOG_KIND: 'kafka', SCORESTREAM_LOG_KAFKA_BROKERS: 'a:9092, b:9092' })
  expect(log).toMatchObject({ kind: 'kafka', kafka: { brokers: ['a:9092', 'b:9092'] } })
})

test('states in Redis beside an embedded log are refused with the reason', () => {
  expect(() => load('state: { kind: redis }')).toThrow(/state\.kind = redis needs log\.kind = kafka/)
})
