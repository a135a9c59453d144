/** Whether what a decision read off linked entities comes out of the topic again. */
import type { FeatureSet } from '#features/feature-set.ts'
import { linkId } from '#features/linked/link-id.ts'
import { readLinked } from '#features/linked/read-linked.ts'
import type { Decision } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { EventLog } from '../ports.ts'
import { refoldLinked } from './refold.ts'

/** What differs, in a sentence each; empty where everything comes out as it was read. */
export const judgeLinks = async (
  { body }: Decision,
  application: ApplicationEvent,
  { log, featureSet }: { readonly log: EventLog; readonly featureSet: FeatureSet },
): Promise<readonly string[]> => {
  const vector = new Float32Array(featureSet.size)
  const out: string[] = []
  for (const part of featureSet.linked ?? []) {
    const reading = body.linked?.find(({ entity }) => entity === part.entity)
    const id = linkId(application, part.entity)
    if ((reading === undefined) !== (id === undefined)) {
      out.push(
        `the capsule ${reading === undefined ? 'names no' : 'names a'} ${part.entity}, the application ${id === undefined ? 'none' : id}`,
      )
      continue
    }
    try {
      const state = reading && id !== undefined ? (await refoldLinked(log, { part, id, ...reading })).state : undefined
      readLinked(part, state, application, vector, 0)
    } catch (failure) {
      out.push(failure instanceof Error ? failure.message : String(failure))
      continue
    }
    for (const place of part.at)
      if (!Object.is(vector[place], body.vector[place]))
        out.push(
          `${featureSet.features[place]!.name} was ${body.vector[place]}, is ${vector[place]} at version ${reading?.version ?? 'none'} of ${part.entity} ${id ?? 'none'}`,
        )
  }
  return out
}
