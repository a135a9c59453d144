/** The canonical text of definitions, and its hash: what makes two feature sets the same. */
import { createHash } from 'node:crypto'
import type { Definition } from '../language/feature.ts'

/**
 * Everything that bears on a feature's number or place, and nothing else: descriptions and units may be reworded without making trained
 * models foreign. JSON arrays, so that property order cannot matter.
 */
export const canonical = (definition: Definition): readonly unknown[] => {
  const { kind, name, on, by } = definition
  switch (kind) {
    case 'aggregate': {
      const { value, where, how, window } = definition
      return [kind, name, on, by, value, where, how.name, how.version, window.kind, window.kind === 'months' ? window.months : null]
    }
    case 'stated':
      return [kind, name, on, by, definition.field]
    case 'ratio':
      return [kind, name, on, by, canonical(definition.dividend), canonical(definition.divisor)]
  }
}

/** Raised when expressions, windows, ratios or tie-breaking come to mean something else, which no definition would show. */
export const EVALUATION_VERSION = 1

/** SHA-256, hex, of a value's JSON text. */
export const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')
