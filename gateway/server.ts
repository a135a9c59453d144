/** Puts the routes and the feed on a socket. The process outlives whatever a request brings. */
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import * as uWS from 'uWebSockets.js'
import type { EventLog } from '#streams/ports.ts'
import { Access, type Requirement } from './access.ts'
import { callerHeaders } from './caller-headers.ts'
import { GatewayCounters } from './counters.ts'
import { Exchange, type Surroundings } from './exchange.ts'
import { feedBehavior } from './feed-route.ts'
import { latest } from './feed-start.ts'
import type { FeedState } from './feed-state.ts'
import { Feed } from './feed.ts'
import type { Dashboard } from './dashboard.ts'
import type { Engine, GatewayLog, Replay } from './ports.ts'
import { problem } from './problem.ts'
import { buildRoutes, type Route } from './routes.ts'
import { refusals, type GatewaySettings } from './settings.ts'

export interface GatewayArguments {
  readonly settings: GatewaySettings
  readonly engine: Engine
  readonly log: EventLog
  readonly report: GatewayLog
  /** Where the SQL interface listens; empty where none does. */
  readonly sqlUrl: string
  /** Runs past decisions again; without it that route answers that it cannot. */
  readonly replay?: Replay
  /** Without it the pages say that it is being built. */
  readonly dashboard?: Dashboard
  /** Where belief stands at the end of the decisions log, if the caller knows; otherwise the log is searched backwards. */
  readonly feedStart?: FeedState
}

export interface Gateway {
  readonly url: string
  readonly port: number
  readonly counters: GatewayCounters
  /** Stops listening, lets requests under way finish (at most `graceMs`), then closes every connection. */
  close(graceMs?: number): Promise<void>
}

/** Refused settings or an address that cannot be had. The message names the setting and the remedy. */
export class GatewayStartError extends Error {
  readonly code: 'refused-settings' | 'port-in-use' | 'cannot-listen'

  constructor(code: GatewayStartError['code'], message: string) {
    super(message)
    this.name = 'GatewayStartError'
    this.code = code
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: by default uWebSockets.js lets a second process share the port silently. */
const EXCLUSIVE_PORT = 1

/** uWebSockets.js takes options beside a host as well; its types lack that. */
type ListenExclusive = (host: string, port: number, options: number, done: (socket: uWS.us_listen_socket | false) => void) => void

const listen = (app: uWS.TemplatedApp, host: string, port: number): Promise<uWS.us_listen_socket | false> =>
  new Promise((resolve) => (app.listen as unknown as ListenExclusive)(host, port, EXCLUSIVE_PORT, resolve))

/** uWebSockets.js does not say why it cannot listen; Node's own server does. */
const whyNot = (host: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve('unknown')))
  })

const startError = (host: string, port: number, reason: string): GatewayStartError => {
  const at = `${host}:${port}`
  if (reason === 'EADDRINUSE')
    return new GatewayStartError(
      'port-in-use',
      `port ${port} on ${host} is in use by another process: stop that one (ss -ltnp 'sport = :${port}' names it), or set SCORESTREAM_PORT (gateway.port) to a free port`,
    )
  if (reason === 'EACCES')
    return new GatewayStartError(
      'cannot-listen',
      `not allowed to listen on ${at}: use a port of 1024 or above (SCORESTREAM_PORT, gateway.port)`,
    )
  return new GatewayStartError(
    'cannot-listen',
    `cannot listen on ${at} (${reason}): set SCORESTREAM_HOST (gateway.host) to an address of this machine`,
  )
}

const mount = (app: uWS.TemplatedApp, routes: readonly Route[], access: Access, around: Surroundings): void => {
  const answer =
    (requirement: Requirement, handle: Route['handle']) =>
    (res: uWS.HttpResponse, req: uWS.HttpRequest): void => {
      const exchange = new Exchange(res, req, around)
      try {
        const refused = access.refuse(callerHeaders(req), requirement)
        if (refused !== undefined) return exchange.problem(refused)
        handle(exchange, req)?.catch((error: unknown) => exchange.fail(error))
      } catch (error) {
        exchange.fail(error)
      }
    }
  for (const { method, path, requirement, handle } of routes) {
    app[method](path, answer(requirement, handle))
    if (method === 'get') app.head(path, answer(requirement, handle))
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : ['POST']))
    const refuse: Route['handle'] = (exchange) =>
      exchange.problem(problem('method-not-allowed', `use ${methods.join(' or ')} here`), [['Allow', methods.join(', ')]])
    app.any(path, answer('anyone', refuse))
  }
  app.any(
    '/*',
    answer('anyone', (exchange) => exchange.problem(problem('not-found', 'nothing lives at this path; /docs lists what there is'))),
  )
}

export const startGateway = async (from: GatewayArguments): Promise<Gateway> => {
  const { settings, engine, log, report } = from
  const reasons = refusals(settings)
  if (reasons.length > 0) throw new GatewayStartError('refused-settings', `the gateway does not start: ${reasons.join('; ')}`)
  const counters = new GatewayCounters()
  const around: Surroundings = { limits: settings.limits, counters, log: report }
  const access = new Access(settings)
  const feed = new Feed({ log, limits: settings.limits, counters, report }, from.feedStart ?? (await latest(log)))
  const app = uWS.App()
  app.ws('/v1/feed', feedBehavior(feed, log, access, around))
  mount(app, buildRoutes(engine, settings.limits, counters, from), access, around)
  const socket = await listen(app, settings.host, settings.port)
  if (socket === false) {
    await feed.close()
    throw startError(settings.host, settings.port, await whyNot(settings.host, settings.port))
  }
  const port = uWS.us_socket_local_port(socket)
  const name = settings.host.includes(':') && !settings.host.startsWith('[') ? `[${settings.host}]` : settings.host
  let closing: Promise<void> | undefined
  const close = async (graceMs: number) => {
    uWS.us_listen_socket_close(socket)
    await feed.close()
    for (let waited = 0; counters.inFlight > 0 && waited < graceMs; waited += 10) await sleep(10)
    app.close()
  }
  return { url: `http://${name}:${port}`, port, counters, close: (graceMs = 5_000) => (closing ??= close(graceMs)) }
}
