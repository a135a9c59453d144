/** `scorestream query "<SQL>"`: asks the running engine's SQL port, or opens the warehouse itself when no engine runs. */
import { type Command, DATA_OPTIONS, JSON_OPTION, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { askWarehouse } from '../ask-warehouse.ts'

export const query: Command = {
  name: 'query',
  summary: 'Asks the warehouse in ClickHouse SQL (database scorestream, read-only).',
  positionals: '"<SQL>"',
  options: {
    ...DATA_OPTIONS,
    format: {
      type: 'string',
      value: 'NAME',
      short: 'f',
      help: 'ClickHouse output format (default: a table on a terminal, TSV with names elsewhere)',
    },
    ...JSON_OPTION,
  },
  notes: `
The SQL may also come on standard input: echo "SELECT 1" | scorestream query

  scorestream query "SELECT decision, count() FROM decisions GROUP BY decision"
  scorestream query -f Vertical "SELECT * FROM decisions LIMIT 1"

docs/analyst-guide.md has twenty more. Exit codes: 0 answered, 64 usage, 65 the SQL was refused or failed, 66 no warehouse there.`,
  async run(options, positionals) {
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    let sql = positionals.join(' ')
    if (sql === '' && !process.stdin.isTTY) for await (const chunk of process.stdin.setEncoding('utf8')) sql += chunk as string
    if (sql.trim() === '')
      throw new CommandError('usage', 'give the SQL as an argument or on standard input\nTry: scorestream query --help', EXIT.usage)
    const format =
      options['json'] === true
        ? 'JSON'
        : (text(options, 'format') ?? (process.stdout.isTTY ? 'PrettyCompactMonoBlock' : 'TabSeparatedWithNames'))
    await askWarehouse(config.dataDir, async (ask) => process.stdout.write(await ask(sql, format)))
    return EXIT.ok
  },
}
