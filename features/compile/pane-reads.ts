/** Reads features off partial results: one sweep per measure serves every window over it, shortest first. */
import type { Accumulator, Memory } from '../accumulators/accumulator.ts'
import type { Paned } from '../aggregates/aggregate.ts'
import type { AggregateDefinition } from '../language/feature.ts'
import { hopMsOf, hopsOf, measureKey } from '../state/pane-layout.ts'
import type { PaneSection } from '../state/pane-layout.ts'
import type { Panes } from '../state/panes.ts'

interface Reading {
  readonly hops: number
  readonly read: Paned['read']
  readonly slot: number
}

interface Sweep {
  readonly panes: Panes
  readonly accumulator: Accumulator
  readonly word: number
  /** By hops, ascending. */
  readonly readings: Reading[]
}

/** Words a merged partial result may take: the scratch at the end of the working memory. */
export const scratchWords = (sections: readonly PaneSection[]): number =>
  Math.max(0, ...sections.flatMap(({ measures }) => measures.map(({ accumulator }) => accumulator.words)))

export class PaneReads {
  readonly #memory: Memory
  readonly #scratch: number
  readonly #sweeps = new Map<string, Sweep>()
  readonly #ordered: Sweep[] = []
  readonly #panes: readonly Panes[]

  /** @param scratch Word from which {@link scratchWords} words are free. */
  constructor(panes: readonly Panes[], memory: Memory, scratch: number) {
    this.#panes = panes
    this.#memory = memory
    this.#scratch = scratch
  }

  add(definition: AggregateDefinition, slot: number): void {
    const hopMs = hopMsOf(definition)
    const key = `${definition.on} ${hopMs} ${measureKey(definition)}`
    const reading: Reading = { hops: hopsOf(definition), read: definition.how.paned!.read, slot }
    const known = this.#sweeps.get(key)
    if (known !== undefined) {
      known.readings.push(reading)
      known.readings.sort((a, b) => a.hops - b.hops)
      return
    }
    const panes = this.#panes.find(({ section }) => section.kind === definition.on && section.hopMs === hopMs)!
    const { accumulator } = definition.how.paned!
    const wanted = measureKey(definition)
    const { word } = panes.section.measures.find(({ value, accumulator: { name } }) => JSON.stringify([name, value]) === wanted)!
    const sweep: Sweep = { panes, accumulator, word, readings: [reading] }
    this.#sweeps.set(key, sweep)
    this.#ordered.push(sweep)
  }

  /** Writes every feature to its slot, as of `instant[0]`. */
  run(instant: Float64Array, slots: Float64Array): void {
    const memory = this.#memory
    const scratch = this.#scratch
    const sweeps = this.#ordered
    for (let s = 0; s < sweeps.length; s++) {
      const { panes, accumulator, word, readings } = sweeps[s]!
      memory.f64.fill(0, scratch, scratch + accumulator.words)
      let done = 0
      for (let r = 0; r < readings.length; r++) {
        const { hops, read, slot } = readings[r]!
        panes.merge(accumulator, word, instant, done, hops - 1, scratch)
        done = hops
        read(memory, scratch, instant, slots, slot)
      }
    }
  }
}
