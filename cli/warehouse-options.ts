/** The warehouse process's command line; `warehouse-process.ts` says what each option means. */
import { parseArgs } from 'node:util'
import { Value } from 'typebox/value'
import { ClickHouseServerSettings, type ServerSettings } from '#streams/clickhouse/server-settings.ts'
import { type KafkaSettings, KafkaSettingsSchema } from '#streams/kafka/settings.ts'
import type { MonitoringTask } from './monitoring-task.ts'
import type { ParityTask } from './parity/parity-task.ts'
import type { RevisionTask } from './revisions.ts'

/** What the warehouse process was started with. */
export interface WarehouseOptions {
  readonly dataDir: string
  readonly host: string
  readonly port: number
  readonly facts: string | undefined
  readonly server: ServerSettings | undefined
  /** Where the logs are Kafka's. */
  readonly kafka: { readonly settings: KafkaSettings; readonly partitions: number } | undefined
  readonly monitoring: MonitoringTask | undefined
  readonly revisions: RevisionTask | undefined
  readonly parity: ParityTask | undefined
  readonly reconciles: boolean
}

/** Reads the command line. Throws an error with code `usage` that names the option. */
export const warehouseOptions = (): WarehouseOptions => {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      'sql-host': { type: 'string', default: '127.0.0.1' },
      'sql-port': { type: 'string', default: '8123' },
      facts: { type: 'string' },
      server: { type: 'string' },
      kafka: { type: 'string' },
      partitions: { type: 'string' },
      monitoring: { type: 'string' },
      revisions: { type: 'string' },
      parity: { type: 'string' },
      reconciler: { type: 'string', default: 'on' },
    },
  })
  const port = Number(values['sql-port'])
  if (values['data-dir'] === undefined) throw Object.assign(new Error('--data-dir is required'), { code: 'usage' })
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw Object.assign(new Error(`--sql-port takes 0 to 65535, got ${values['sql-port']}`), { code: 'usage' })
  const given = values.server === undefined ? undefined : (JSON.parse(values.server) as unknown)
  const server = given === undefined ? undefined : Value.Parse(ClickHouseServerSettings, Value.Default(ClickHouseServerSettings, given))
  const kafka =
    values.kafka === undefined
      ? undefined
      : { settings: Value.Parse(KafkaSettingsSchema, JSON.parse(values.kafka)), partitions: Number(values.partitions) }
  const monitoring = values.monitoring === undefined ? undefined : (JSON.parse(values.monitoring) as MonitoringTask)
  return {
    dataDir: values['data-dir'],
    host: values['sql-host'],
    port,
    facts: values.facts,
    server,
    kafka,
    monitoring,
    revisions: values.revisions === undefined ? undefined : (JSON.parse(values.revisions) as RevisionTask),
    parity: values.parity === undefined ? undefined : (JSON.parse(values.parity) as ParityTask),
    reconciles: values.reconciler === 'on',
  }
}
