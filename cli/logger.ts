/** The structured log: one JSON object a line on standard error, secrets and personal data never in it. */
import { pino, type DestinationStream, type Logger } from 'pino'
import { fieldsOfClass } from '#schemas/privacy.ts'

/** Secrets, whatever object they stand in. */
const SECRETS = ['token', 'password', 'authorization', 'masterKey', 'identity', 'bytes']
/** Field names that may not leave the process, wherever they stand in a logged object: secrets, and what an event says of a person. */
const NEVER_LOGGED = [...SECRETS, ...fieldsOfClass('pseudonym', 'quasi', 'sensitive', 'protected')]

/** `level` one of pino's; `pretty` terse lines for a person at a terminal are not offered: `| npx pino-pretty` does it. */
export const createLogger = (level: string, destination: DestinationStream = pino.destination({ fd: 2, sync: true })): Logger =>
  pino(
    {
      level,
      base: { service: 'scorestream' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: NEVER_LOGGED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `headers.${name}`]), censor: '•••' },
    },
    destination,
  )
