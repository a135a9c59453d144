/** How the gateway listens, whom it admits, and its bounds. Built by the composition root from the configuration. */
import { isIP } from 'node:net'

/** `reader` looks, `producer` sends events and applications, `operator` may do both. */
export type Role = 'reader' | 'producer' | 'operator'

export interface Credential {
  /** Who it was given to; appears in logs, the token never does. */
  readonly name: string
  /** Bearer token, at least {@link TOKEN_LENGTH_MIN} characters of `A–Z a–z 0–9 - . _ ~`. */
  readonly token: string
  readonly role: Role
}

export interface GatewaySettings {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly credentials: readonly Credential[]
  /** Names (without port) by which clients may address this server, beyond loopback and IP literals. */
  readonly allowedHosts: readonly string[]
  /** Origins (`https://desk.example`) whose pages may call, beyond this server's own. */
  readonly allowedOrigins: readonly string[]
  readonly limits: GatewayLimits
}

export interface GatewayLimits {
  readonly bodyBytesMax: number
  /** All request bodies held at one time. */
  readonly bodiesBytesMax: number
  /** From the first to the last byte of a body. */
  readonly bodyTimeoutMs: number
  readonly deadlineMsDefault: number
  readonly subscribersMax: number
  /** Unsent bytes of one subscriber above which it is no longer live. */
  readonly feedBufferBytesMax: number
  /** Feed connections are pinged so that none stays silent longer than this; at least 8 s. */
  readonly feedIdleS: number
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodyBytesMax: 16 << 20,
  // Four bodies of the largest size, or some 100,000 single events.
  bodiesBytesMax: 64 << 20,
  bodyTimeoutMs: 30_000,
  deadlineMsDefault: 1_000,
  subscribersMax: 256,
  // About 500 decisions: half a second of a fast stream, and 256 MB at most over all subscribers.
  feedBufferBytesMax: 1 << 20,
  feedIdleS: 30,
}

/** 32 characters of base64url are 192 bits. Shorter tokens can be guessed. */
const TOKEN_LENGTH_MIN = 24

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))

/** Why these settings must not be served, each with its remedy; empty where they may. */
export const refusals = (settings: GatewaySettings): readonly string[] => {
  const reasons: string[] = []
  if (!isLoopback(settings.host) && settings.credentials.length === 0)
    reasons.push(
      `gateway.host is ${settings.host}, which other machines can reach, but gateway.credentials is empty: add at least one ` +
        `{name, token, role} (for example: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='), or set gateway.host to 127.0.0.1`,
    )
  if (!Number.isInteger(settings.port) || settings.port < 0 || settings.port > 65_535)
    reasons.push(`gateway.port is ${settings.port}: use an integer from 0 (any free port) to 65535`)
  for (const [i, credential] of settings.credentials.entries()) {
    // The token itself is a secret: messages name its place and its length only.
    if (credential.token.length < TOKEN_LENGTH_MIN)
      reasons.push(
        `gateway.credentials[${i}].token ("${credential.name}") has ${credential.token.length} characters: use at least ${TOKEN_LENGTH_MIN} random ones`,
      )
    if (!/^[A-Za-z0-9._~-]+$/.test(credential.token))
      reasons.push(`gateway.credentials[${i}].token ("${credential.name}") has characters other than A–Z a–z 0–9 - . _ ~`)
  }
  for (const origin of settings.allowedOrigins)
    if (!/^https?:\/\/[^/]+$/.test(origin))
      reasons.push(`gateway.allowedOrigins has ${origin}: write scheme and host only, for example https://desk.example`)
  return reasons
}
