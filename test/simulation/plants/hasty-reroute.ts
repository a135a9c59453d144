/** Bug: strays are sent on their way, and their batch does not wait until they have arrived. */
import { publish as publishReal } from '#streams/pipeline/publish.ts'

export * from '#streams/pipeline/publish.ts'

export const publish: typeof publishReal = (folded, decisions, ports) => {
  if (folded.rerouted.length > 0) ports.persist(() => ports.log.append('credit-events', folded.rerouted)).catch(() => {})
  return publishReal({ ...folded, rerouted: [] }, decisions, ports)
}
