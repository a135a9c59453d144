/** `scorestream query "<SQL>"`: asks the running engine's SQL port, or opens the warehouse itself when no engine runs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, DATA_OPTIONS, JSON_OPTION, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { createLogger } from '../logger.ts'
import { findEngine } from '../running-engine.ts'
import { superviseWarehouse } from '../warehouse-supervisor.ts'

const ask = async (sqlUrl: string, sql: string, format: string): Promise<string> => {
  const response = await fetch(`${sqlUrl}/?${new URLSearchParams({ default_format: format, database: 'scorestream' }).toString()}`, {
    method: 'POST',
    body: sql,
  })
  const body = await response.text()
  if (!response.ok) throw new CommandError('query-failed', body.trim(), EXIT.badData)
  return body
}

/** No engine runs: the warehouse's own process is started for this one question, behind the very same guard. */
const askWithoutEngine = async (dataDir: string, sql: string, format: string): Promise<string> => {
  if (!existsSync(join(dataDir, 'warehouse')))
    throw new CommandError(
      'no-data',
      `there is no warehouse in ${dataDir}; name a data directory with --data-dir, or start the engine`,
      EXIT.noInput,
    )
  const warehouse = superviseWarehouse({
    args: ['--data-dir', dataDir, '--sql-host', '127.0.0.1', '--sql-port', '0'],
    logger: createLogger('error'),
  })
  try {
    return await ask(`http://127.0.0.1:${await warehouse.ready}`, sql, format)
  } finally {
    await warehouse.stop()
  }
}

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
    const engine = findEngine(config.dataDir)
    if (engine?.sql) process.stdout.write(await ask(engine.sql, sql, format))
    else process.stdout.write(await askWithoutEngine(config.dataDir, sql, format))
    return EXIT.ok
  },
}
