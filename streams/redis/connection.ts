/**
 * Connections to Redis. Nothing waits in a queue while the server is away: a call fails at once, its caller tries again, and the connection is
 * made anew behind it with growing pauses.
 */
import { readFileSync, statSync } from 'node:fs'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { TerminalFailure } from '../failure.ts'
import type { Logger } from '../logger.ts'
import { redisFailure } from './redis-failure.ts'
import { parseAddresses, type RedisSettings } from './settings.ts'

export type RedisConnection = Redis | Cluster

/** Pauses before the next attempt to connect, ms: doubling, and short enough that a failover of some seconds is not prolonged by it. */
const PAUSE_MS_MIN = 20
const PAUSE_MS_MAX = 1000
const pauseMs = (attempt: number): number => Math.min(PAUSE_MS_MIN * 2 ** Math.min(attempt, 10), PAUSE_MS_MAX)

/** One line of the log at most so often while a server is away. */
const COMPLAIN_AFTER_MS = 5000

const readPassword = ({ password, passwordFile }: RedisSettings): string | undefined => {
  if (passwordFile === undefined) return password
  if (password !== undefined) throw refused('both password and passwordFile are set: keep one of them')
  if ((statSync(passwordFile).mode & 0o077) !== 0)
    throw refused(`${passwordFile} holds a password but others may read it: chmod 600 ${passwordFile}`)
  return readFileSync(passwordFile, 'utf8').trimEnd()
}

const refused = (message: string): TerminalFailure => new TerminalFailure('state-refused', message)

const tlsOf = ({ tls, tlsCaFile, tlsCertFile, tlsKeyFile }: RedisSettings): Pick<RedisOptions, 'tls'> =>
  tls
    ? {
        tls: {
          ...(tlsCaFile === undefined ? {} : { ca: readFileSync(tlsCaFile) }),
          ...(tlsCertFile === undefined ? {} : { cert: readFileSync(tlsCertFile) }),
          ...(tlsKeyFile === undefined ? {} : { key: readFileSync(tlsKeyFile) }),
        },
      }
    : {}

const optionsOf = (settings: RedisSettings) => {
  const password = readPassword(settings)
  return {
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(password === undefined ? {} : { password }),
    ...tlsOf(settings),
    connectionName: 'scorestream',
    connectTimeout: settings.timeoutMs,
    socketTimeout: settings.timeoutMs,
    // A command whose reply was lost is the caller's to repeat: only it knows whether repeating is still wanted.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A master that became a replica: look again for who is master now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    lazyConnect: true,
  } satisfies RedisOptions
}

const clientOf = (settings: RedisSettings): RedisConnection => {
  const addresses = [...parseAddresses(settings.addresses)]
  const common = optionsOf(settings)
  switch (settings.mode) {
    case 'cluster':
      return new Cluster(addresses, {
        redisOptions: common,
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: pauseMs,
        slotsRefreshTimeout: settings.timeoutMs,
        // A few attempts behind MOVED and failovers; beyond them the caller decides.
        maxRedirections: 4,
      })
    case 'sentinel': {
      const sentinel = settings.tls ? { enableTLSForSentinelMode: true, sentinelTLS: common.tls ?? {} } : {}
      return new Redis({
        ...common,
        ...sentinel,
        sentinels: addresses,
        name: settings.sentinelMaster,
        db: settings.database,
        enableOfflineQueue: false,
        retryStrategy: pauseMs,
        sentinelRetryStrategy: pauseMs,
      })
    }
    case 'single': {
      const [address] = addresses
      return new Redis({ ...common, ...address, db: settings.database, enableOfflineQueue: false, retryStrategy: pauseMs })
    }
  }
}

/**
 * Connects. Rejects with a terminal failure where Redis refuses the credentials or speaks no TLS, with a retryable one where nobody answers
 * within the settings' time.
 */
export const connectRedis = async (settings: RedisSettings, logger: Logger): Promise<RedisConnection> => {
  const client = clientOf(settings)
  let last: unknown
  let complainedAt = -Infinity
  client.on('error', (error: unknown) => {
    last = error
    const now = performance.now()
    if (now - complainedAt < COMPLAIN_AFTER_MS) return
    complainedAt = now
    logger.warn({ addresses: settings.addresses, reason: String(error) }, 'Redis is not reachable; trying again')
  })
  try {
    await untilReady(client, settings.timeoutMs, () => last)
    await client.call('PING')
    return client
  } catch (error) {
    client.disconnect()
    throw redisFailure(error, `Redis at ${settings.addresses}`)
  }
}

/** Resolves once commands are taken; rejects with a refusal at once, and with the last error once the time is up. */
const untilReady = (client: RedisConnection, ms: number, last: () => unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(last() ?? new Error(`no answer within ${ms} ms`)), ms)
    client.once('ready', () => {
      clearTimeout(timer)
      resolve()
    })
    client.on('error', (error: unknown) => {
      if (!(redisFailure(error, '') instanceof TerminalFailure)) return
      clearTimeout(timer)
      reject(error)
    })
    // Its own rejection says only that the first attempt failed; the next ones follow by themselves.
    client.connect().catch(() => {})
  })
