/** A warehouse filled from a log through the real sinks. chDB opens one directory a process, so a test file has at most one at a time. */
import { join } from 'node:path'
import { creditFeatureSet } from '#features/credit-v1.ts'
import { catalogue } from '#features/describe.ts'
import { listModels } from '#registry/list.ts'
import { insertFacts, type Facts } from '#streams/clickhouse/facts.ts'
import { DeadLetterSink, DecisionSink, EventSink, type RowSink } from '#streams/clickhouse/row-sinks.ts'
import { Sink } from '#streams/clickhouse/sink.ts'
import { openWarehouse, type OpenWarehouse } from '#streams/clickhouse/warehouse.ts'
import { silentLogger } from '#streams/logger.ts'
import type { EventLog } from '#streams/ports.ts'

/** Carries what the log holds now into the tables, then stops. */
export const drain = async (warehouse: OpenWarehouse, log: EventLog, row: RowSink): Promise<Sink> => {
  const sink = new Sink({
    log,
    sink: row,
    ...warehouse.writer(),
    database: warehouse.database,
    logger: silentLogger,
    now: () => Date.now(),
  })
  const running = sink.run()
  const failed = running.then(
    () => undefined,
    (error: unknown) => error,
  )
  const end = log.end(row.topic).reduce((sum, at) => sum + at, 0)
  while (sink.readRecords < end) {
    const ended = await Promise.race([failed, new Promise<'on'>((resolve) => setTimeout(() => resolve('on'), 5))])
    if (ended !== 'on') break
  }
  sink.stop()
  await running
  return sink
}

const drainAll = async (warehouse: OpenWarehouse, log: EventLog): Promise<void> => {
  for (const row of [new EventSink(), new DecisionSink(), new DeadLetterSink()]) await drain(warehouse, log, row)
}

/** The shipped feature set and models, as the engine would write them. */
const exampleFacts = (): Facts =>
  JSON.parse(
    JSON.stringify({
      featureSetHash: creditFeatureSet.hash,
      features: catalogue(creditFeatureSet),
      models: listModels(join(import.meta.dirname, '../../../models')),
    }),
  ) as Facts

export const openFilled = async (directory: string, log: EventLog): Promise<OpenWarehouse> => {
  const warehouse = await openWarehouse(directory)
  await insertFacts(warehouse.writer().inserter, exampleFacts(), Date.now())
  await drainAll(warehouse, log)
  return warehouse
}
