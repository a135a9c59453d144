/**
 * Where partial results lie in state. One section per event kind and hop, after the rings, all in words of 8 bytes:
 * `newest hop f64 · events ever f64 · panes`, a pane being one accumulator after another. A hop's pane is at its number modulo the number of
 * panes. A section without hops has one pane, for ever.
 */
import type { Accumulator } from '../accumulators/accumulator.ts'
import type { AggregateDefinition } from '../language/feature.ts'
import { chosenValue } from '../language/feature.ts'
import type { ExpressionNode } from '../language/expression.ts'
import type { FoldedKind } from '../language/kinds.ts'

export const PANE_HEAD_WORDS = 2

/** What of an event goes into which accumulator. */
export interface Measure {
  /** `null`: every event, as 1. */
  readonly value: ExpressionNode | null
  readonly accumulator: Accumulator
  /** Word within the pane. */
  readonly word: number
}

export interface PaneSection {
  readonly kind: FoldedKind
  /** 0 where there is one pane for ever. */
  readonly hopMs: number
  readonly panes: number
  /** Byte from the start of the state. */
  readonly offset: number
  readonly bytes: number
  readonly paneWords: number
  readonly measures: readonly Measure[]
}

/** The measure an aggregate reads. */
export const measureKey = (definition: AggregateDefinition): string =>
  JSON.stringify([definition.how.paned!.accumulator.name, chosenValue(definition)])

export const hopMsOf = ({ window }: AggregateDefinition): number => (window.kind === 'hops' ? window.hopMs : 0)
export const hopsOf = ({ window }: AggregateDefinition): number => (window.kind === 'hops' ? window.hops : 1)

/** Most state one section of partial results may take. */
const SECTION_BYTES_MAX = 1_048_576

const paneSection = (group: readonly AggregateDefinition[], latenessMs: number, offset: number): PaneSection => {
  const [{ on: kind }, hopMs] = [group[0]!, hopMsOf(group[0]!)]
  const measures = new Map<string, Measure>()
  let paneWords = 0
  for (const definition of group) {
    const key = measureKey(definition)
    if (measures.has(key)) continue
    const { accumulator } = definition.how.paned!
    measures.set(key, { value: chosenValue(definition), accumulator, word: paneWords })
    paneWords += accumulator.words
  }
  // An application that comes late by the allowed lateness looks back from there.
  const panes = hopMs === 0 ? 1 : Math.max(...group.map(hopsOf)) + Math.ceil(latenessMs / hopMs)
  const bytes = 8 * (PANE_HEAD_WORDS + panes * paneWords)
  if (bytes > SECTION_BYTES_MAX)
    throw new RangeError(
      `${group.map(({ name }) => name).join(', ')} would take ${bytes} bytes of state, above ${SECTION_BYTES_MAX}; use longer hops or shorter windows`,
    )
  return { kind, hopMs, panes, offset, bytes, paneWords, measures: [...measures.values()] }
}

/** Sections for aggregates over partial results, from byte `offset` on, by kind and hop in the order in which definitions need them. */
export const paneSections = (paned: readonly AggregateDefinition[], latenessMs: number, offset: number): readonly PaneSection[] => {
  const groups = Map.groupBy(paned, (definition) => `${definition.on} ${hopMsOf(definition)}`)
  let at = offset
  return [...groups.values()].map((group) => {
    const section = paneSection(group, latenessMs, at)
    at += section.bytes
    return section
  })
}

export const describePanes = ({ kind, hopMs, panes, offset, measures }: PaneSection): readonly unknown[] => [
  kind,
  hopMs,
  panes,
  offset,
  measures.map(({ value, accumulator }) => [value, accumulator.name, accumulator.version, accumulator.words]),
]
