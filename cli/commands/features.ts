/** `scorestream features`: the catalogue of the feature set in force. */
import type { CatalogueEntry } from '#features/describe.ts'
import type { NamedFeatureSet } from '#features/sets.ts'
import { type Command, DATA_OPTIONS, JSON_OPTION, type OptionValues, text } from '../command.ts'
import { CommandError, EXIT } from '../exit.ts'
import { asOf } from '../features-as-of.ts'
import { loadConfig } from '../config.ts'
import { featureSetNamed, featureSetOfBundle, markdownOf, sqlOf } from '../feature-sets.ts'

const COLUMNS = ['#', 'name', 'unit', 'window', 'from', 'error bound', 'privacy', 'bytes'] as const

const cells = ({ position, name, unit, window, lineage, errorBound, pii, stateBytes }: CatalogueEntry): readonly string[] => [
  String(position),
  name,
  unit,
  window,
  lineage.join(', '),
  errorBound,
  pii,
  String(stateBytes),
]

const table = (entries: readonly CatalogueEntry[]): string => {
  const lines = [COLUMNS, ...entries.map(cells)]
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Entries whose name, meaning or lineage holds the words searched for, all of them. */
const matching = (entries: readonly CatalogueEntry[], words: readonly string[]): readonly CatalogueEntry[] =>
  entries.filter(({ name, description, lineage }) => {
    const haystack = [name, description, ...lineage].join(' ').toLowerCase()
    return words.every((word) => haystack.includes(word.toLowerCase()))
  })

const setAsked = (options: OptionValues): NamedFeatureSet => {
  const given = text(options, 'set')
  if (given !== undefined) return featureSetNamed(given, '--set')
  const { models } = loadConfig({ file: text(options, 'config'), environment: process.env })
  return featureSetOfBundle(models.dir, models.champion)
}

export const features: Command = {
  name: 'features',
  summary:
    'Lists the features of the set in force: name, unit, window, lineage, error bound, privacy class, bytes of state; or those of a past decision.',
  positionals: '[words to look for | as-of DECISION]',
  options: {
    ...DATA_OPTIONS,
    ...JSON_OPTION,
    format: {
      type: 'string',
      value: 'NAME',
      help: 'table (default), markdown (as docs/features.md) or sql (the set as one ClickHouse statement)',
    },
    set: { type: 'string', value: 'NAME', help: 'credit-v1 or credit-linked-v1 (default: that of the bundle that decides)' },
  },
  notes: `
  scorestream features utilisation
  scorestream features --json | jq '.features[] | select(.pii == "sensitive") | .name'

The statement of --format sql reads two tables: events as the warehouse has them, and asks (ask, applicant_id, event_time, partition, offset, body),
one row per vector wanted; of credit-linked-v1 also links, the records of linked-entities.

  scorestream features as-of 3-1204

shows what each feature of that decision was as known then, and is as known now: with what came in later about the time before it; and what the
same bundle and policy would decide now. Exit codes: 0 listed, or nothing differs; 1 nothing matches, or something differs; 64 usage; 66 no such
decision.`,
  async run(options, positionals) {
    if (positionals[0] === 'as-of') return asOf(options, positionals.slice(1))
    const named = setAsked(options)
    const { set } = named
    const entries = matching(named.entries(), positionals)
    const format = text(options, 'format') ?? 'table'
    if (options['json'] === true)
      process.stdout.write(`${JSON.stringify({ name: named.name, hash: set.hash, stateBytes: set.stateBytes, features: entries })}\n`)
    else if (format === 'markdown') process.stdout.write(markdownOf(named))
    else if (format === 'sql') process.stdout.write(`${sqlOf(named)}\n`)
    else if (format === 'table') process.stdout.write(`${table(entries)}\n`)
    else throw new CommandError('usage', `--format takes table, markdown or sql, got "${format}"`, EXIT.usage)
    if (entries.length > 0) return EXIT.ok
    process.stderr.write(
      `no feature's name, meaning or lineage holds ${positionals.map((word) => `"${word}"`).join(' and ')}; without words all ${set.size} are listed\n`,
    )
    return EXIT.findings
  },
}
