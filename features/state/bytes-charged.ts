/** Who pays for the state: every byte is charged once, to the first feature that needs it. */
import type { AggregateDefinition, Definition } from '../language/feature.ts'
import { isPaned } from '../language/feature.ts'
import { aggregatesOf, HEADER_BYTES, heldFor } from './layout.ts'
import type { StateLayout } from './layout.ts'
import { ENCODING_BYTES } from './number-array.ts'
import { hopMsOf, measureKey, PANE_HEAD_WORDS } from './pane-layout.ts'

const paneKey = (definition: AggregateDefinition): string => `${definition.on}/${hopMsOf(definition)}`

/** Bytes by what needs them: the header, kinds, their fields, sections of partial results, their measures. */
const bytesByNeed = (definitions: readonly Definition[], layout: StateLayout): Map<string, number> => {
  const bytes = new Map<string, number>([['header', HEADER_BYTES]])
  for (const { kind, capacity, bytes: sectionBytes, columns } of layout.sections) {
    let rest = sectionBytes
    for (const { field, encoding } of columns) {
      bytes.set(`${kind}.${field}`, capacity * ENCODING_BYTES[encoding])
      rest -= capacity * ENCODING_BYTES[encoding]
    }
    bytes.set(kind, rest)
  }
  const panes = new Map(layout.panes.map((section) => [`${section.kind}/${section.hopMs}`, section]))
  for (const key of panes.keys()) bytes.set(key, PANE_HEAD_WORDS * 8)
  for (const definition of definitions.flatMap(aggregatesOf).filter(isPaned)) {
    const key = paneKey(definition)
    bytes.set(`${key} ${measureKey(definition)}`, panes.get(key)!.panes * definition.how.paned!.accumulator.words * 8)
  }
  return bytes
}

/**
 * State bytes per definition, in order. A kind's counters, times and padding fall to the first feature that looks at the kind, an array of
 * field values to the first that reads the field, partial results to the first that merges them, the header to the first of all: the sum is
 * the state's size.
 */
export const bytesCharged = (definitions: readonly Definition[], layout: StateLayout): readonly number[] => {
  const bytes = bytesByNeed(definitions, layout)
  const charge = (key: string): number => {
    const owed = bytes.get(key) ?? 0
    bytes.delete(key)
    return owed
  }
  return definitions.map((definition) => {
    let total = charge('header')
    for (const { kind, field } of heldFor(definition)) total += charge(field === null ? kind : `${kind}.${field}`)
    for (const aggregate of aggregatesOf(definition).filter(isPaned))
      total += charge(paneKey(aggregate)) + charge(`${paneKey(aggregate)} ${measureKey(aggregate)}`)
    return total
  })
}
