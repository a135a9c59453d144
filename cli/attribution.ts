/** Who stands behind a command: the user and machine it was given on. */
import { hostname, userInfo } from 'node:os'
import type { Attribution } from '#registry/promotion-ledger.ts'

/** Users without a name on this machine (containers) are told by their number. */
const userName = (): string => {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/** A move made by whoever gave the command at `at` (milliseconds since the epoch). */
export const personally = (reason: string, at: number): Attribution => ({
  actor: `${userName()}@${hostname()}`,
  reason,
  at,
  requestId: null,
})
