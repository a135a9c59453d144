/** What an error from Redis or the way to it means for the engine. */
import { RetryableFailure, TerminalFailure } from '../failure.ts'

/** First words of replies that say no to the person who configured this, not to the moment. */
const TERMINAL = /^(NOAUTH|WRONGPASS|NOPERM|WRONGTYPE|ERR)\b/
/** Node's codes for certificates that do not fit; waiting does not mend them. */
const CERTIFICATE = /^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/
/** `ERR` replies that pass: the server is coming up, going down, or short of connections. */
const PASSING = /max number of clients|loading|shutting down|handshake|timed out/i

const remedyOf = (message: string): string => {
  if (/^(NOAUTH|WRONGPASS)/.test(message)) return 'Check the user and the password.'
  if (message.startsWith('NOPERM'))
    return 'The ACL user needs +@hash +@scripting +@transaction +@connection +@keyspace +info +time, and ~prefix:*.'
  if (message.startsWith('OOM')) return 'Raise maxmemory or add memory; it is tried again by itself.'
  if (message.startsWith('MISCONF')) return 'Redis cannot save to its disk; free space there. It is tried again by itself.'
  return ''
}

/** `where` names the server or the partition. Everything that is not surely a person's to mend is worth another try. */
export const redisFailure = (error: unknown, where: string): RetryableFailure | TerminalFailure => {
  if (error instanceof RetryableFailure || error instanceof TerminalFailure) return error
  if (error instanceof Error && 'previousErrors' in error) {
    // A transaction is given up because of what one of its commands was told.
    const first = (error.previousErrors as readonly unknown[]).find((previous) => previous !== error)
    if (first !== undefined) return redisFailure(first, where)
  }
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = `${where}: ${message}. ${remedyOf(message)}`.trimEnd()
  if (CERTIFICATE.test(code) || (TERMINAL.test(message) && !PASSING.test(message))) return new TerminalFailure('state-refused', text, error)
  return new RetryableFailure('state-unavailable', text, error)
}
