/** The parity meter as the warehouse process is told of it, and as it is asked for its figures afterwards. */
import { readFileSync } from 'node:fs'
import { FEATURE_SETS, featureSetOfHash } from '#features/sets.ts'
import type { Facts } from '#streams/clickhouse/facts.ts'
import { latestRounds, ParityMeter } from '#streams/clickhouse/parity-meter.ts'
import type { Logger } from '#streams/logger.ts'
import type { LiveParity } from '#training/gates/live-parity-gate.ts'
import type { Ask } from '../ask-warehouse.ts'
import type { Config } from '../config.ts'
import type { Tables } from '../warehouse-tables.ts'

export type ParityTask = Pick<Config['parity'], 'everySeconds' | 'sample'>

/** Arguments of the warehouse process; none where it measures only when asked. */
export const parityArguments = ({ parity: { everySeconds, sample } }: Config): string[] =>
  everySeconds === 0 ? [] : ['--parity', JSON.stringify({ everySeconds, sample } satisfies ParityTask)]

/** The set in force is the one that the facts name, which the engine writes anew when it changes. */
const inForce = (facts: string | undefined) =>
  facts === undefined ? FEATURE_SETS[0] : featureSetOfHash((JSON.parse(readFileSync(facts, 'utf8')) as Facts).featureSetHash)

export const startParityMeter = (
  { everySeconds, sample }: ParityTask,
  { tables, facts, logger }: { readonly tables: Tables; readonly facts: string | undefined; readonly logger: Logger },
): ParityMeter =>
  new ParityMeter({
    featureSet: () => inForce(facts),
    database: tables.database,
    ...tables.writer(),
    sample,
    everyMs: everySeconds * 1000,
    logger,
    now: () => Date.now(),
  })

/** What the meter found lately; zeros where it has not measured yet. */
export const latestParity = async (ask: Ask): Promise<LiveParity> => {
  const { data } = JSON.parse(await ask(latestRounds('scorestream'), 'JSON')) as {
    data: { values: string | number; mismatches: string | number }[]
  }
  return { values: Number(data[0]?.values ?? 0), mismatches: Number(data[0]?.mismatches ?? 0) }
}
