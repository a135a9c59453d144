/** ClickHouse's HTTP interface on a port of its own. `GET` and `POST /`, `/ping`, `/replicas_status`. */
import { randomUUID } from 'node:crypto'
import * as uWS from 'uWebSockets.js'
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js'
import type { SqlEngine, SqlLogger } from './ports.ts'
import { OperatorRunner } from './operator-runner.ts'
import { QueryRunner } from './query-runner.ts'
import { DEFAULT_SQL_LIMITS, type SqlLimits } from './query-settings.ts'
import { checkAccess, isLoopbackHost, type SqlAccessSettings, type SqlCallerHeaders, type SqlCredentials } from './sql-access.ts'
import { describeError, SqlError } from './sql-error.ts'
import { decompress, parseSqlRequest, type FormPart } from './sql-request.ts'
import { SqlResponse } from './sql-response.ts'

/** A body must arrive within this, or the connection is given up. */
const BODY_MS_MAX = 15_000

export interface SqlServerOptions {
  readonly engine: SqlEngine
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly database: string
  /** Tables of the database that nobody may read through this port. */
  readonly hidden: readonly string[]
  /** Required where `host` is not loopback. */
  readonly credentials: SqlCredentials | null
  readonly allowedHosts: readonly string[]
  /** Who may write, by which statements whatever, and where bodies of inserts are put meanwhile; loopback alone. Nobody where absent. */
  readonly operator?: { readonly credentials: SqlCredentials; readonly spool: string }
  readonly limits?: SqlLimits
  readonly logger: SqlLogger
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

export interface SqlServer {
  readonly port: number
  /** Queries running now. */
  readonly running: () => number
  close(): void
}

interface Asked {
  readonly queryString: string
  readonly contentEncoding: string
  readonly contentType: string
  readonly formatHeader: string
  readonly databaseHeader: string
  readonly caller: SqlCallerHeaders
}

/** Listens; throws an error with code `EADDRINUSE` where the port is taken. */
export const startSqlServer = (options: SqlServerOptions): SqlServer => {
  if (options.credentials === null && !isLoopbackHost(options.host))
    throw new Error(`the SQL interface would listen on ${options.host} without a password: configure one, or listen on 127.0.0.1`)
  if (options.operator !== undefined && !isLoopbackHost(options.host))
    throw new Error(`the SQL interface would let an operator write from ${options.host}: that is for 127.0.0.1 alone`)
  const limits = options.limits ?? DEFAULT_SQL_LIMITS
  const access: SqlAccessSettings = {
    host: options.host,
    allowedHosts: options.allowedHosts,
    credentials: options.credentials,
    operator: options.operator?.credentials ?? null,
  }
  const runner = new QueryRunner({ engine: options.engine, limits, database: options.database, hidden: new Set(options.hidden) })
  const operator = options.operator && new OperatorRunner(options.engine, options.database, options.operator.spool)
  const context: Context = { options, limits, access, runner, operator }
  const app = uWS.App()
  app.any('/ping', (res, req) => alive(res, req, context))
  app.any('/replicas_status', (res, req) => alive(res, req, context))
  app.get('/', (res, req) => serve(res, req, context))
  app.post('/', (res, req) => serve(res, req, context))
  app.any('/*', (res) => {
    res.writeStatus('404 Not Found').end('There is no handle here. Send queries to /, as on a ClickHouse server.\n')
  })
  return listen(app, options, runner)
}

interface Context {
  readonly options: SqlServerOptions
  readonly limits: SqlLimits
  readonly access: SqlAccessSettings
  readonly runner: QueryRunner
  readonly operator: OperatorRunner | undefined
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: by default uWebSockets.js lets a second process share the port silently. */
const EXCLUSIVE_PORT = 1

/** uWebSockets.js takes options beside a host as well; its types lack that. */
type ListenExclusive = (host: string, port: number, options: number, done: (socket: uWS.us_listen_socket | false) => void) => void

const listen = (app: TemplatedApp, { host, port }: SqlServerOptions, runner: QueryRunner): SqlServer => {
  let socket = false as uWS.us_listen_socket | false
  ;(app.listen as unknown as ListenExclusive)(host, port, EXCLUSIVE_PORT, (listening) => {
    socket = listening
  })
  if (socket === false)
    throw Object.assign(new Error(`port ${port} on ${host} is in use: stop what listens there, or set SCORESTREAM_SQL_PORT to another`), {
      code: 'EADDRINUSE',
    })
  const bound = uWS.us_socket_local_port(socket)
  return { port: bound, running: () => runner.running, close: () => void app.close() }
}

const callerOf = (req: HttpRequest): SqlCallerHeaders => ({
  host: req.getHeader('host'),
  origin: req.getHeader('origin'),
  authorization: req.getHeader('authorization'),
  user: req.getHeader('x-clickhouse-user'),
  key: req.getHeader('x-clickhouse-key'),
})

const alive = (res: HttpResponse, req: HttpRequest, { access, options }: Context): void => {
  const response = new SqlResponse(res, { queryId: randomUUID(), gzip: false })
  try {
    // Health is no secret, but a foreign page has no business with it.
    checkAccess({ ...access, credentials: null, operator: null }, callerOf(req), '')
    response.text('200 OK', 'Ok.\n')
  } catch (error) {
    refuse(response, error, options.logger)
  }
}

const serve = (res: HttpResponse, req: HttpRequest, context: Context): void => {
  const asked: Asked = {
    queryString: req.getQuery() ?? '',
    contentEncoding: req.getHeader('content-encoding'),
    contentType: req.getHeader('content-type'),
    formatHeader: req.getHeader('x-clickhouse-format'),
    databaseHeader: req.getHeader('x-clickhouse-database'),
    caller: callerOf(req),
  }
  const given = new URLSearchParams(asked.queryString)
  const queryId = given.get('query_id') ?? ''
  const response = new SqlResponse(res, {
    queryId: /^[\w.:-]{1,128}$/.test(queryId) ? queryId : randomUUID(),
    gzip: /\bgzip\b/i.test(req.getHeader('accept-encoding')) && given.get('enable_http_compression') !== '0',
  })
  const startedAt = context.options.now()
  const body = bodyOf(res, context.limits.bodyBytesMax, response.signal)
  body
    .then((bytes) => answer(response, bytes, asked, context, startedAt))
    .catch((error: unknown) => refuse(response, error, context.options.logger))
}

const answer = async (response: SqlResponse, bytes: Buffer, asked: Asked, context: Context, startedAt: number): Promise<void> => {
  const role = checkAccess(context.access, asked.caller, asked.queryString)
  const body = decompress(bytes, asked.contentEncoding, context.limits.bodyBytesMax)
  const form = /^multipart\/form-data/i.test(asked.contentType) ? partsOf(body, asked.contentType) : undefined
  if (role === 'operator' && context.operator !== undefined)
    return response.answer(await context.operator.run({ ...asked, body, form }), startedAt, context.options.now)
  const request = parseSqlRequest({ ...asked, body, form })
  // A bare GET / is how monitors ask whether the server lives.
  if (request.sql === '') return response.text('200 OK', 'Ok.\n')
  const result = await context.runner.run(request, response.signal)
  await response.answer(result, startedAt, context.options.now)
}

const partsOf = (body: Buffer, contentType: string): FormPart[] =>
  (uWS.getParts(body, contentType) ?? []).map(({ name, filename, data }) => ({ name, filename, data: new Uint8Array(data) }))

const refuse = (response: SqlResponse, error: unknown, logger: SqlLogger): void => {
  if (describeError(error).code === 1002) logger.error({ err: error }, 'a query failed in an unforeseen way')
  response.error(error)
}

const bodyOf = (res: HttpResponse, bytesMax: number, signal: AbortSignal): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let size = 0
    const timer = setTimeout(() => reject(new SqlError('TIMEOUT_EXCEEDED', 'the body did not arrive in time')), BODY_MS_MAX)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new SqlError('QUERY_WAS_CANCELLED', 'the client went away'))
    })
    res.onData((chunk, last) => {
      size += chunk.byteLength
      if (size > bytesMax) {
        clearTimeout(timer)
        reject(new SqlError('TOO_LARGE_STRING_SIZE', `the body exceeds ${bytesMax} bytes; shorten the query`))
        return
      }
      // The buffer is only lent for the call.
      pieces.push(Buffer.from(chunk.slice(0)))
      if (!last) return
      clearTimeout(timer)
      resolve(Buffer.concat(pieces))
    })
  })
