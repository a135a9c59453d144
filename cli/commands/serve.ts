/** `scorestream serve`: the engine on its own, until it is told to end. */
import { type Command, DATA_OPTIONS, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { openHost } from '../host.ts'
import { createLogger } from '../logger.ts'
import { untilAskedToEnd } from '../until-asked-to-end.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Runs the engine: log, state, scoring, gateway and warehouse, on loopback unless configured otherwise.',
  options: {
    ...DATA_OPTIONS,
    'log-level': { type: 'string', value: 'LEVEL', help: 'trace, debug, info, warn, error (default: info)' },
  },
  notes: `
Writes one line with its addresses to standard output once it is ready, then structured logs to standard error.
SIGINT or SIGTERM drains and ends it; a second one ends it at once, which loses nothing that was acknowledged.

Exit codes: 0 ended as asked, 64 usage, 65 data or model refused, 70 the engine stopped by itself, 73 the data directory cannot be written,
75 data directory or port in use, 78 configuration or policy.`,
  async run(options) {
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    const host = await openHost(config, createLogger(text(options, 'log-level') ?? 'info'))
    // First listening for signals, then saying so: whoever reads the line may end the engine at once.
    const ended = untilAskedToEnd(host)
    await Promise.race([host.sqlReady, host.failed])
    process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, http: host.httpUrl, sql: host.sqlUrl })}\n`)
    return await ended
  },
}
