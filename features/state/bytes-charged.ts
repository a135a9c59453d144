/** Who pays for the state: every byte is charged once, to the first feature that needs it. */
import type { Definition } from '../language/feature.ts'
import { ENCODING_BYTES, HEADER_BYTES, readsOf } from './layout.ts'
import type { StateLayout } from './layout.ts'

/**
 * State bytes per definition, in order. A kind's counters, times and padding fall to the first feature that looks at the kind, an array of
 * field values to the first that reads the field, the header to the first of all: the sum is the state's size.
 */
export const bytesCharged = (definitions: readonly Definition[], layout: StateLayout): readonly number[] => {
  const bytes = new Map<string, number>([['header', HEADER_BYTES]])
  for (const { kind, capacity, bytes: sectionBytes, columns } of layout.sections) {
    let rest = sectionBytes
    for (const { field, encoding } of columns) {
      bytes.set(`${kind}.${field}`, capacity * ENCODING_BYTES[encoding])
      rest -= capacity * ENCODING_BYTES[encoding]
    }
    bytes.set(kind, rest)
  }
  const charge = (key: string): number => {
    const owed = bytes.get(key) ?? 0
    bytes.delete(key)
    return owed
  }
  return definitions.map((definition) => {
    let total = charge('header')
    for (const { kind, field } of readsOf(definition)) total += charge(field === null ? kind : `${kind}.${field}`)
    return total
  })
}
