/** `scorestream start`: the engine with the demo stream flowing into it. What a newcomer runs first. */
import { readFileSync } from 'node:fs'
import { demoStream } from '#streams/demo/demo-stream.ts'
import { beginAnew } from '../begin-anew.ts'
import { type Command, DATA_OPTIONS, numeric, type OptionValues, text } from '../command.ts'
import { loadConfig } from '../config.ts'
import { type Pace, startDemoReplay } from '../demo-replay.ts'
import { CommandError, EXIT } from '../exit.ts'
import { type Host, openHost } from '../host.ts'
import { createLogger } from '../logger.ts'
import { progressLine, thousands } from '../progress.ts'
import { DEMO_DATA } from '../project.ts'
import { terminalLog } from '../terminal-log.ts'
import { untilAskedToEnd } from '../until-asked-to-end.ts'

/** Events per second when nothing else is asked for: the whole demo in about a minute, with room on the machine to look around. */
const RATE_DEFAULT = 5_000
/** How often the progress line's facts are refreshed. */
const REFRESH_MS = 100

const paceOf = (options: OptionValues): Pace => {
  const rate = numeric(options, 'rate', { minimum: 1, maximum: 1_000_000 })
  const speed = numeric(options, 'speed', { minimum: 1, maximum: 1e9 })
  const fast = options['as-fast-as-possible'] === true
  if ([rate !== undefined, speed !== undefined, fast].filter(Boolean).length > 1)
    throw new CommandError('usage', '--rate, --speed and --as-fast-as-possible exclude one another', EXIT.usage)
  if (fast) return { kind: 'as-fast-as-possible' }
  return speed === undefined ? { kind: 'rate', perSecond: rate ?? RATE_DEFAULT } : { kind: 'speed', factor: speed }
}

const banner = (host: Host): string => `
Scorestream is running. Everything listens on loopback only.

  Dashboard   ${host.httpUrl}/            decisions as they happen, why, the portfolio, the model, operations
  API         ${host.httpUrl}/docs        every route, with requests to copy
  SQL         ${host.sqlUrl ?? 'off'}/            ClickHouse HTTP, read-only, database scorestream

  Ask         curl -s '${host.sqlUrl ?? ''}/?database=scorestream' --data-binary "SELECT decision, count() AS n, round(avg(probability), 3) AS p FROM decisions GROUP BY decision FORMAT PrettyCompact"
  Or          npm run scorestream -- query "SELECT application_id, decision, score, reasons.code FROM decisions LIMIT 5"

`

const facts = (host: Host): string => {
  const { counters } = host.engine
  const mix = host.decisionMix()
  const all = mix.approve + mix.refer + mix.decline
  const share = (count: number): string => `${all === 0 ? 0 : Math.round((count / all) * 100)} %`
  const rate = host.recentRate()
  return `${thousands(all)} decisions (approve ${share(mix.approve)}, refer ${share(mix.refer)}, decline ${share(mix.decline)})  ${thousands(rate)}/s  SQL ${thousands(host.warehouseRows())}${Object.keys(counters.deadLetters).length > 0 ? '  dead letters!' : ''}`
}

export const start: Command = {
  name: 'start',
  summary: 'Runs the engine and replays the demo stream into it: 383,103 events of 30,000 card clients (Taiwan, 2005).',
  options: {
    ...DATA_OPTIONS,
    fresh: { type: 'boolean', help: 'delete the data directory first and begin anew' },
    links: {
      type: 'boolean',
      help: 'let applications name devices, employers and addresses (synthetic), for bundles of credit-linked-v1',
    },
    rate: {
      type: 'string',
      value: 'N',
      help: `events per second (default: ${RATE_DEFAULT}); the history before the first application goes faster`,
    },
    speed: { type: 'string', value: 'X', help: 'seconds of event time per second, e.g. 86400 for a day a second' },
    'as-fast-as-possible': { type: 'boolean', help: 'no pacing' },
    'exit-when-done': { type: 'boolean', help: 'end after the replay instead of serving on' },
  },
  notes: `
The engine goes on serving after the replay. Ctrl-C drains and ends it; the next start goes on where this one stopped.

Exit codes: as for serve.`,
  async run(options) {
    const pace = paceOf(options)
    const config = loadConfig({
      file: text(options, 'config'),
      environment: process.env,
      overrides: { dataDir: text(options, 'data-dir') },
    })
    if (options['fresh'] === true) beginAnew(config.dataDir)
    const now = (): number => performance.now()
    const line = progressLine('demo', now)
    // A person reads words, whatever collects logs reads JSON.
    const terminal = process.stderr.isTTY ? terminalLog(process.stderr, () => line.clear()) : undefined
    const host = await openHost(config, createLogger('warn', terminal), terminal?.write)
    process.stdout.write(banner(host))
    const stream = demoStream(readFileSync(DEMO_DATA), { links: options['links'] === true })
    const replay = startDemoReplay({ stream, ingest: host.ingest, dataDir: config.dataDir, pace, now, onSent: () => {} })
    const ticker = setInterval(() => line.update(Math.min(replay.sent(), stream.count - 1), stream.count, facts(host)), REFRESH_MS)
    const done = replay.finished.then(
      async () => {
        clearInterval(ticker)
        if (replay.sent() < stream.count) return
        await host.engine.drain()
        await host.warehouseCaughtUp()
        line.update(stream.count, stream.count, facts(host))
        process.stdout.write(
          options['exit-when-done'] === true ? '' : '\nThe demo is complete; the engine goes on serving. Ctrl-C ends it.\n',
        )
        if (options['exit-when-done'] === true) process.kill(process.pid, 'SIGTERM')
      },
      (error: unknown) => {
        clearInterval(ticker)
        line.clear()
        process.stderr.write(`scorestream: the demo stopped: ${error instanceof Error ? error.message : String(error)}\n`)
      },
    )
    return await untilAskedToEnd(host, async () => {
      clearInterval(ticker)
      line.clear()
      await replay.stop()
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 100))])
    })
  },
}
