/** The successor decides as fast as the engine promised. */
import type { Gate } from '#schemas/monitoring-events.ts'
import { verdict } from './verdict.ts'

/** Scoring and explaining one application, µs: a twentieth of the millisecond budget that the whole way of an event has at the median. */
const LATENCY_US_MAX = 200
const ROUNDS = 21

export interface TimedModel {
  /** Scores and explains the row at `vectors[at .. at + d)`. */
  run(vectors: Float32Array, at: number): void
}

/**
 * Mean µs a row of each round over the rows, both models in turn so that a busy machine meets them alike. `now` in milliseconds, monotonic.
 * The first round warms up and is dropped.
 */
const measure = (models: readonly TimedModel[], vectors: Float32Array, columns: number, now: () => number): number[][] => {
  const rows = vectors.length / columns
  const times: number[][] = models.map(() => [])
  for (let round = 0; round <= ROUNDS; round++)
    for (const [index, model] of models.entries()) {
      const began = now()
      for (let row = 0; row < rows; row++) model.run(vectors, row * columns)
      if (round > 0) times[index]!.push(((now() - began) * 1000) / rows)
    }
  return times.map((rounds) => rounds.toSorted((a, b) => a - b))
}

/** Median over rounds, with the least and the greatest round as its bounds. */
export const latencyGate = (
  successor: TimedModel,
  champion: TimedModel,
  vectors: Float32Array,
  columns: number,
  now: () => number,
): Gate => {
  const [own, other] = measure([successor, champion], vectors, columns, now) as [number[], number[]]
  const middle = (ROUNDS - 1) / 2
  const value = own[middle]!
  return verdict(
    'latency',
    value <= LATENCY_US_MAX,
    { value, low: own[0]!, high: own.at(-1)!, threshold: LATENCY_US_MAX },
    `scoring and explaining takes ${value.toFixed(1)} µs a row (median of ${ROUNDS} rounds of ${vectors.length / columns} golden rows), champion ${other[middle]!.toFixed(1)} µs; at most ${LATENCY_US_MAX} µs`,
  )
}
