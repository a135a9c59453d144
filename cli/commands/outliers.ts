/** `scorestream outliers`: which past decisions were on applicants unlike those the model was trained on. */
import { resolve } from '#registry/resolve.ts'
import { loadOutlierModel } from '#scoring/outlier/load-outlier-model.ts'
import type { OutlierScores } from '#scoring/outlier/outlier-model.ts'
import { askWarehouse } from '../ask-warehouse.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, numeric, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { thousands } from '../progress.ts'

const NEWEST = 10_000
const SHOWN = 20

interface Row {
  readonly decisionId: string
  readonly applicantId: string
  readonly decision: string
  readonly features: readonly (number | null)[]
}

interface Unusual extends Omit<Row, 'features'>, OutlierScores {}

/** A decision has one row a position; repeats of it are the same. */
const newestSql = (featureSetHash: string, count: number): string =>
  `SELECT decision_id AS decisionId, any(applicant_id) AS applicantId, any(decision) AS decision, any(features) AS features
   FROM decisions WHERE feature_set_hash = '${featureSetHash}' GROUP BY decision_id ORDER BY max(decided_at) DESC LIMIT ${count}`

export const outliers: Command = {
  name: 'outliers',
  summary: 'Says which of the newest decisions were on applicants unlike those the model was trained on.',
  options: {
    ...DATA_OPTIONS,
    model: { type: 'string', value: 'REF', help: 'bundle with outlier scores (default: models.champion of the configuration)' },
    newest: { type: 'string', value: 'N', help: `decisions looked at (default ${NEWEST}, at most 100000)` },
    ...JSON_OPTION,
  },
  notes: `
Two scores, neither of which decides anything: an isolation forest's (0.5 is ordinary, near 1 set apart at once) and the local outlier factor (1 is as
dense as its neighbours). Listed is what exceeds, by either, what one training application in a hundred did. \`scorestream train --outlier\` makes a
bundle that has them. Exit codes: 0 looked, 64 usage, 66 no warehouse, no decisions, or a bundle without outlier scores.`,
  async run(options) {
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const newest = Math.floor(numeric(options, 'newest', { minimum: 1, maximum: 100_000 }) ?? NEWEST)
    const { directory, manifest, name, version } = resolve(config.models.dir, text(options, 'model') ?? config.models.champion)
    const model = loadOutlierModel(directory, manifest)
    const limits = manifest.outlier?.unusual
    if (model === null || limits === undefined)
      throw new CommandError('no-outlier-scores', `${name}@${version} has no outlier scores; train one with --outlier`, EXIT.noInput)
    const sql = newestSql(manifest.featureSetHash, newest)
    const { data } = await askWarehouse(
      config.dataDir,
      async (ask) => JSON.parse(await ask(sql, 'JSON')) as { readonly data: readonly Row[] },
    )
    if (data.length === 0)
      throw new CommandError('no-data', `no decisions of feature set ${manifest.featureSetHash} in ${config.dataDir}`, EXIT.noInput)
    const scored = data.map(({ features, ...row }): Unusual => ({
      ...row,
      ...model(
        Float32Array.from(features, (value) => value ?? NaN),
        0,
      ),
    }))
    const excess = ({ forest, neighbours }: OutlierScores): number => Math.max(forest / limits.forest, neighbours / limits.neighbours)
    const unusual = scored.filter((row) => excess(row) > 1).toSorted((a, b) => excess(b) - excess(a))
    if (options['json'] === true)
      process.stdout.write(`${JSON.stringify({ model: `${name}@${version}`, decisions: data.length, limits, unusual })}\n`)
    else {
      for (const { decisionId, applicantId, decision, forest, neighbours } of unusual.slice(0, SHOWN))
        process.stdout.write(
          `${decisionId.padEnd(12)} ${applicantId.padEnd(16)} ${decision.padEnd(8)} forest ${forest.toFixed(3)}  factor ${neighbours.toFixed(2)}\n`,
        )
      process.stdout.write(
        `${thousands(unusual.length)} of ${thousands(data.length)} decisions on applicants as unusual as one in a hundred in training (forest above ${limits.forest.toFixed(3)}, factor above ${limits.neighbours.toFixed(2)})\n`,
      )
    }
    return EXIT.ok
  },
}
