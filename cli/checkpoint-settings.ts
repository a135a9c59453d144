/** How often states outside this machine are checkpointed, from the configuration: the same for the engine and for what `doctor` asks of the log. */
import type { CheckpointSettings } from '#streams/checkpoint/checkpointed-store.ts'
import type { Config } from './config.ts'

const MINUTE_MS = 60_000

export const checkpointSettings = ({ checkpointMinutes }: Config['state']): Pick<CheckpointSettings, 'everyMs'> => ({
  everyMs: checkpointMinutes * MINUTE_MS,
})
