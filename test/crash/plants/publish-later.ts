/** Bug: decisions are written a while after they were said to be, so that an offset may be committed before its decision can be read back. */
import { publish as publishReal, type readBack as readBackReal } from '#streams/pipeline/publish.ts'
import { outstanding } from './outstanding.ts'

export * from '#streams/pipeline/publish.ts'

const LATER_MS = 400
let last: Promise<unknown> = Promise.resolve()

export const publish: typeof publishReal = async (folded, decisions, ports) => {
  if (decisions.length === 0) return publishReal(folded, decisions, ports)
  const due = new Promise((resolve) => setTimeout(resolve, LATER_MS))
  outstanding.decisions += decisions.length
  last = last
    .then(() => due)
    .then(() => publishReal(folded, decisions, ports))
    .then(() => (outstanding.decisions -= decisions.length))
  return decisions.map(() => 0)
}

export const readBack: typeof readBackReal = async (decisions) => decisions.map(({ decision }) => decision)
