/** The one table of routes: path, method, who may call, and what answers. The OpenAPI document is tested against it. */
import type { HttpRequest } from 'uWebSockets.js'
import type { Requirement } from './access.ts'
import { ApplicationsRoute } from './applications-route.ts'
import type { GatewayCounters } from './counters.ts'
import { EventsRoute } from './events-route.ts'
import type { Exchange } from './exchange.ts'
import { openapiDocument } from './openapi.ts'
import { Dashboard } from './dashboard.ts'
import { Pages } from './pages.ts'
import type { Engine, Replay } from './ports.ts'
import { problem } from './problem.ts'
import { ReadRoutes } from './read-routes.ts'
import { ReplayRoute } from './replay-route.ts'
import type { GatewayLimits } from './settings.ts'
import { SqlRoute } from './sql-route.ts'
import { WhatIfRoute } from './what-if-route.ts'

export interface Route {
  readonly method: 'get' | 'post'
  /** With `:name` for parameters. */
  readonly path: string
  readonly requirement: Requirement
  /** Must read what it needs of the request before it first awaits. */
  readonly handle: (exchange: Exchange, req: HttpRequest) => Promise<void> | void
}

/** What some routes offer only where the caller has it. */
export interface Offers {
  /** Where the SQL interface listens; empty where none does. */
  readonly sqlUrl: string
  readonly replay?: Replay | undefined
  readonly dashboard?: Dashboard | undefined
}

export const buildRoutes = (engine: Engine, limits: GatewayLimits, counters: GatewayCounters, offers: Offers): readonly Route[] => {
  const events = new EventsRoute(engine, limits, counters)
  const applications = new ApplicationsRoute(engine, limits, counters)
  const whatIf = new WhatIfRoute(engine)
  const read = new ReadRoutes(engine, counters)
  const sql = new SqlRoute(offers.sqlUrl)
  const replay = new ReplayRoute(offers.replay)
  const pages = new Pages(offers.dashboard ?? new Dashboard())
  const openapi = JSON.stringify(openapiDocument(limits))
  const post = (path: string, requirement: Requirement, handle: Route['handle']): Route => ({ method: 'post', path, requirement, handle })
  const get = (path: string, requirement: Requirement, handle: Route['handle']): Route => ({ method: 'get', path, requirement, handle })
  return [
    post('/v1/events', 'producer', (exchange, req) => events.handle(exchange, req)),
    post('/v1/applications', 'producer', (exchange, req) => applications.handle(exchange, req)),
    post('/v1/what-if', 'reader', (exchange, req) => whatIf.handle(exchange, req)),
    post('/v1/sql', 'reader', (exchange, req) => sql.handle(exchange, req)),
    post('/v1/decisions/:id/replay', 'reader', (exchange, req) => replay.handle(exchange, req)),
    get('/v1/decisions/:id', 'reader', (exchange, req) => read.decision(exchange, req)),
    get('/v1/applicants/:id/features', 'reader', (exchange, req) => read.features(exchange, req)),
    get('/v1/models', 'reader', (exchange) => read.models(exchange)),
    get('/v1/feed', 'reader', (exchange) =>
      exchange.problem(problem('upgrade-required', 'this is a WebSocket: connect with ws://'), [['Upgrade', 'websocket']]),
    ),
    get('/healthz', 'anyone', (exchange) => read.health(exchange)),
    get('/readyz', 'anyone', (exchange) => read.ready(exchange)),
    get('/metrics', 'reader', (exchange) => read.metrics(exchange)),
    get('/openapi.json', 'anyone', (exchange) => exchange.json(200, openapi)),
    ...pages.routes().map(([path, handle]) => get(path, 'anyone', handle)),
  ]
}
