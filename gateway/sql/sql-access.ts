/** Who may ask: Host and Origin first (against DNS rebinding and foreign pages), then user and password where one is configured. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { SqlError } from './sql-error.ts'

export interface SqlCredentials {
  readonly user: string
  readonly password: string
}

export interface SqlAccessSettings {
  /** Address listened on. */
  readonly host: string
  /** Host names, besides loopback's, under which this server is known. */
  readonly allowedHosts: readonly string[]
  /** Null: nobody is asked for a password, which the caller allows on loopback alone. */
  readonly credentials: SqlCredentials | null
  /** Who may write, on loopback alone; null: nobody. */
  readonly operator: SqlCredentials | null
}

export type SqlRole = 'reader' | 'operator'

export interface SqlCallerHeaders {
  readonly host: string
  readonly origin: string
  readonly authorization: string
  /** `X-ClickHouse-User` and `X-ClickHouse-Key`. */
  readonly user: string
  readonly key: string
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
export const isLoopbackHost = (host: string): boolean => LOOPBACK.has(host) || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)

const hostName = (host: string): string =>
  (host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] ?? '')).toLowerCase()
const digest = (value: string): Buffer => createHash('sha256').update(value).digest()

/** User and password as presented: headers, Basic, or the query string, in this order. */
const presented = (headers: SqlCallerHeaders, url: URLSearchParams): SqlCredentials => {
  if (headers.user !== '' || headers.key !== '') return { user: headers.user, password: headers.key }
  const basic = /^basic ([A-Za-z0-9+/=]+)$/i.exec(headers.authorization.trim())?.[1]
  if (basic !== undefined) {
    const pair = Buffer.from(basic, 'base64').toString()
    const colon = pair.indexOf(':')
    return colon < 0 ? { user: pair, password: '' } : { user: pair.slice(0, colon), password: pair.slice(colon + 1) }
  }
  return { user: url.get('user') ?? '', password: url.get('password') ?? '' }
}

/** Both are compared always: the time must not tell which one was wrong. An empty user stands for the one there is. */
const matches = (given: SqlCredentials, held: SqlCredentials): boolean => {
  const samePassword = timingSafeEqual(digest(given.password), digest(held.password))
  const sameUser = timingSafeEqual(digest(given.user === '' ? held.user : given.user), digest(held.user))
  return samePassword && sameUser
}

/** As whom the caller may go on; throws `SqlError` where it may not. */
export const checkAccess = (settings: SqlAccessSettings, headers: SqlCallerHeaders, queryString: string): SqlRole => {
  const name = hostName(headers.host)
  const listensOnLoopback = isLoopbackHost(settings.host)
  const known = isLoopbackHost(name) || name === settings.host.toLowerCase() || settings.allowedHosts.includes(name)
  // An IP literal cannot be rebound by DNS; on loopback only loopback's own names lead here honestly.
  if (!known && (listensOnLoopback || isIP(name.replaceAll(/[[\]]/g, '')) === 0))
    throw new SqlError('ACCESS_DENIED', `the Host header names ${JSON.stringify(name.slice(0, 64))}, which is not this server`)
  if (headers.origin !== '' && headers.origin !== `http://${headers.host}` && headers.origin !== `https://${headers.host}`)
    throw new SqlError('ACCESS_DENIED', `pages of ${JSON.stringify(headers.origin.slice(0, 128))} may not query this server`)
  const given = presented(headers, new URLSearchParams(queryString))
  if (settings.operator !== null && matches(given, settings.operator)) return 'operator'
  if (settings.credentials === null) return 'reader'
  if (given.user === '' && given.password === '')
    throw new SqlError(
      'REQUIRED_PASSWORD',
      'a user and a password are required: send Basic authorization, or X-ClickHouse-User and X-ClickHouse-Key',
    )
  if (!matches(given, settings.credentials))
    throw new SqlError(
      'AUTHENTICATION_FAILED',
      `${given.user.slice(0, 64) || settings.credentials.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
    )
  return 'reader'
}
