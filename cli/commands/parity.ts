/** `scorestream parity`: features of past decisions, recomputed from raw events in SQL, against what was scored. */
import { measureParity } from '#streams/clickhouse/parity.ts'
import { askWarehouse } from '../ask-warehouse.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, numeric, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { featureSetOfBundle } from '../feature-sets.ts'
import { thousands } from '../progress.ts'

const SAMPLE = 500

export const parity: Command = {
  name: 'parity',
  summary: 'Recomputes the features of a sample of past decisions from raw events in the warehouse, as known then, and compares.',
  options: {
    ...DATA_OPTIONS,
    sample: { type: 'string', value: 'N', help: `decisions looked at (default ${SAMPLE}, at most 10000)` },
    seed: { type: 'string', value: 'N', help: 'another seed draws other decisions (default 1)' },
    ...JSON_OPTION,
  },
  notes: `
The SQL is generated from the same definitions but shares no code with the fold: calendar, windows and aggregates are ClickHouse's.
Exit codes: 0 every value agrees, 1 mismatches were found, 65 the warehouse refused, 66 no warehouse or no decisions there.`,
  async run(options) {
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const sample = numeric(options, 'sample', { minimum: 1, maximum: 10_000 }) ?? SAMPLE
    const seed = numeric(options, 'seed', { minimum: 0, maximum: 2 ** 32 - 1 }) ?? 1
    const report = await askWarehouse(config.dataDir, (ask) =>
      measureParity({
        featureSet: featureSetOfBundle(config.models.dir, config.models.champion),
        database: 'scorestream',
        sample: Math.floor(sample),
        seed: Math.floor(seed),
        rows: async (sql) => (JSON.parse(await ask(sql, 'JSON')) as { data: object[] }).data,
      }),
    )
    if (report.decisions === 0)
      throw new CommandError('no-data', `no decisions of feature set ${report.featureSetHash} in ${config.dataDir}`, EXIT.noInput)
    if (options['json'] === true) process.stdout.write(`${JSON.stringify(report)}\n`)
    else {
      for (const { decisionId, feature, scored, recomputed } of report.examples)
        process.stdout.write(`✗ ${decisionId} ${feature}: scored ${scored}, recomputed ${recomputed}\n`)
      process.stdout.write(
        `${thousands(report.values)} values of ${thousands(report.decisions)} decisions: ${thousands(report.mismatches)} mismatches (${report.mismatchRate})\n`,
      )
    }
    return report.mismatches === 0 ? EXIT.ok : EXIT.findings
  },
}
