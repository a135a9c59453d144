/** Bug: what was published is taken for believed without being read back. */
import type { readBack as readBackReal } from '#streams/pipeline/publish.ts'

export * from '#streams/pipeline/publish.ts'

export const readBack: typeof readBackReal = async (decisions) => decisions.map(({ decision }) => decision)
