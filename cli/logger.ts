/** The structured log: one JSON object a line on standard error, secrets and personal data never in it. */
import { pino, type Logger } from 'pino'

/** Field names that may not leave the process, wherever they stand in a logged object. */
const NEVER_LOGGED = ['token', 'password', 'authorization', 'applicantId', 'identity', 'attributes', 'incomeMonthly', 'masterKey']

/** `level` one of pino's; `pretty` terse lines for a person at a terminal are not offered: `| npx pino-pretty` does it. */
export const createLogger = (level: string): Logger =>
  pino(
    {
      level,
      base: { service: 'scorestream' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: NEVER_LOGGED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `headers.${name}`]), censor: '•••' },
    },
    pino.destination({ fd: 2, sync: true }),
  )
