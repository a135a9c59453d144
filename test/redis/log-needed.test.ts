import { expect, it } from 'vitest'
import { CHECKPOINT_DEFAULTS } from '#streams/checkpoint/checkpointed-store.ts'
import { logNeededMs } from '#streams/checkpoint/log-needed.ts'

it('by default a day and three hours of log reach back to the oldest checkpoint kept', () => {
  expect(logNeededMs(CHECKPOINT_DEFAULTS)).toBe(27 * 3_600_000)
})
