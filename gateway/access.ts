/** Who may call: Host and Origin first (against DNS rebinding and foreign pages), then bearer tokens and roles. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { problem, type Problem } from './problem.ts'
import { isLoopback, type GatewaySettings, type Role } from './settings.ts'

/** What a route asks of its caller; `anyone` for pages and health, which hold no data. */
export type Requirement = 'anyone' | 'reader' | 'producer'

export interface CallerHeaders {
  readonly host: string
  /** Empty where absent: browsers send it with every cross-origin request, WebSocket and POST. */
  readonly origin: string
  readonly authorization: string
  /** `Sec-WebSocket-Protocol`: browsers cannot set other headers on a WebSocket. */
  readonly protocols: string
}

/** Offered by browsers as `Sec-WebSocket-Protocol: scorestream.v1, bearer.<token>`; only the first is ever echoed. */
export const FEED_PROTOCOL = 'scorestream.v1'

const hostName = (host: string): string => {
  const bare = host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : (host.split(':', 1)[0] ?? '')
  return bare.toLowerCase()
}

const bearer = (headers: CallerHeaders): string => {
  if (/^bearer /i.test(headers.authorization)) return headers.authorization.slice(7).trim()
  for (const offered of headers.protocols.split(',')) if (offered.trim().startsWith('bearer.')) return offered.trim().slice(7)
  return ''
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const satisfies = (role: Role, requirement: Requirement): boolean => requirement === 'anyone' || role === 'operator' || role === requirement

export class Access {
  readonly #settings: GatewaySettings
  /** Digests, so that comparison takes the same time whatever the length, and no token stays in memory here. */
  readonly #credentials: readonly { readonly digest: Buffer; readonly role: Role }[]
  readonly #hosts: ReadonlySet<string>
  readonly #loopback: boolean
  /** Last Host header admitted: nearly all requests repeat it. */
  #lastHost = ''

  constructor(settings: GatewaySettings) {
    this.#settings = settings
    this.#credentials = settings.credentials.map(({ token, role }) => ({ digest: digest(token), role }))
    this.#loopback = isLoopback(settings.host)
    this.#hosts = new Set([...settings.allowedHosts.map((host) => host.toLowerCase()), settings.host.toLowerCase()])
  }

  /** Undefined where the caller may go on, else the refusal. */
  refuse(headers: CallerHeaders, requirement: Requirement): Problem | undefined {
    return this.#refuseHost(headers.host) ?? this.#refuseOrigin(headers) ?? this.#refuseCaller(headers, requirement)
  }

  #refuseHost(host: string): Problem | undefined {
    if (host === this.#lastHost && host !== '') return undefined
    const name = hostName(host)
    const literal = isIP(name) !== 0 || (name.startsWith('[') && isIP(name.slice(1, -1)) === 6)
    // An IP literal cannot be rebound by DNS; on loopback only loopback's own names lead here honestly.
    if (isLoopback(name) || this.#hosts.has(name) || (literal && !this.#loopback)) {
      this.#lastHost = host
      return undefined
    }
    return problem(
      'host-not-allowed',
      `the Host header names ${JSON.stringify(name.slice(0, 64))}; add it to gateway.allowedHosts if it is this server's name`,
    )
  }

  #refuseOrigin({ origin, host }: CallerHeaders): Problem | undefined {
    if (origin === '' || origin === `http://${host}` || origin === `https://${host}` || this.#settings.allowedOrigins.includes(origin))
      return undefined
    return problem(
      'origin-not-allowed',
      `pages of ${JSON.stringify(origin.slice(0, 128))} may not call this server; add the origin to gateway.allowedOrigins if it may`,
    )
  }

  #refuseCaller(headers: CallerHeaders, requirement: Requirement): Problem | undefined {
    if (requirement === 'anyone' || this.#credentials.length === 0) return undefined
    const token = bearer(headers)
    if (token === '') return problem('unauthorized', 'send Authorization: Bearer <token>, one of gateway.credentials')
    const presented = digest(token)
    let role: Role | undefined
    // No early exit: the time must not tell which credential came near.
    for (const credential of this.#credentials) if (timingSafeEqual(credential.digest, presented)) role = credential.role
    if (role === undefined) return problem('unauthorized', 'the bearer token is none of gateway.credentials')
    return satisfies(role, requirement) ? undefined : problem('forbidden', `this needs the role ${requirement}; the token has ${role}`)
  }
}
