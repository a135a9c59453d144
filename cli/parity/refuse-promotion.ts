/** Nobody is promoted, by a person either, while live features are not what the events say. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { liveParityGate } from '#training/gates/live-parity-gate.ts'
import { askWarehouse } from '../ask-warehouse.ts'
import type { Config } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { latestParity } from './parity-task.ts'

/** Says what the meter has shown; undefined where there is no warehouse that could. @throws `parity-over-budget`. */
export const requireParity = async ({ dataDir, parity: { budget } }: Config): Promise<string | undefined> => {
  if (!existsSync(join(dataDir, 'warehouse'))) return undefined
  const gate = liveParityGate(await askWarehouse(dataDir, latestParity), budget)
  if (gate.state !== 'failed') return gate.detail
  throw new CommandError(
    'parity-over-budget',
    `nothing is promoted: ${gate.detail}. The table parity names decisions and features; mend the cause (docs/runbooks/parity.md), and promote once the rate is within budget, or raise parity.budget`,
    EXIT.badData,
  )
}
