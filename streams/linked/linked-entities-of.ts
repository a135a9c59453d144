/** The linked entities of an engine, where its feature set reads any. */
import type { EngineParts } from '../engine-parts.ts'
import type { Pauses } from '../pipeline/pauses.ts'
import type { Persist } from '../pipeline/persist.ts'
import type { PipelineSettings } from '../pipeline/settings.ts'
import { LinkedEntities } from './linked-entities.ts'

interface Around {
  readonly settings: PipelineSettings
  readonly persist: Persist
  readonly pauses: Pauses
  /** It ended by itself. */
  readonly failed: (failure: unknown) => void
}

export const linkedEntitiesOf = (parts: EngineParts, around: Around): LinkedEntities | undefined => {
  const { featureSet, linkedState: store, log, logger, monotonicUs } = parts
  if (featureSet.linked === undefined) return undefined
  if (store === undefined) throw new TypeError('the feature set reads linked entities: give linkedState, the store of their states')
  const { persist, pauses, failed, settings } = around
  const { linkedBytesMax: bytesMax, retakeAfterMs } = settings
  return new LinkedEntities({ parts: featureSet.linked, store, log, logger, monotonicUs, persist, pauses, bytesMax, retakeAfterMs, failed })
}
