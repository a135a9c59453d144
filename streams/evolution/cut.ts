/** A moment of an engine's logs: everything below it is decided, and its decisions lie in the log. */
import type { EngineFace } from '../engine-face.ts'
import type { EventLog } from '../ports.ts'

export interface Cut {
  /** Per partition, the first input offset that is not decided. */
  readonly input: readonly number[]
  /** Per partition, where the decisions log ended then. */
  readonly decisions: readonly number[]
}

/** Between two batches of `engine`, which owns all partitions. */
export const cutHere = (log: EventLog, engine: Pick<EngineFace, 'positions'>): Cut => {
  const positions = engine.positions()
  return {
    input: log.start('credit-events').map((start, partition) => positions.get(partition) ?? start),
    decisions: [...log.end('decisions')],
  }
}

export const cutOf = async (log: EventLog, engine: Pick<EngineFace, 'positions' | 'betweenBatches'>): Promise<Cut> => {
  let cut: Cut | undefined
  await engine.betweenBatches(() => {
    cut = cutHere(log, engine)
  })
  return cut as Cut
}

/** Events between two moments. */
export const eventsBetween = (from: Cut, to: Cut): number =>
  to.input.reduce((sum, offset, partition) => sum + Math.max(0, offset - (from.input[partition] ?? 0)), 0)
