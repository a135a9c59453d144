/** What the warehouse process says: lines of JSON on standard error, as the engine's logger writes them. */
import type { Logger } from '#streams/logger.ts'

/** Warnings and errors alone. */
export const warehouseLogger: Logger = Object.fromEntries(
  (['debug', 'info', 'warn', 'error'] as const).map((level, index) => [
    level,
    (facts: { readonly err?: unknown }, message: string) => {
      if (index < 2) return
      const err = facts.err instanceof Error ? { type: facts.err.name, message: facts.err.message } : facts.err
      process.stderr.write(
        `${JSON.stringify({ level, time: Date.now(), name: 'warehouse', msg: message, ...facts, ...(err === undefined ? {} : { err }) })}\n`,
      )
    },
  ]),
) as unknown as Logger
