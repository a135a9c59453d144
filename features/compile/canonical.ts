/** The canonical text of definitions, and its hash: what makes two feature sets the same. */
import { createHash } from 'node:crypto'
import type { DerivedNode } from '../language/derived.ts'
import type { Definition } from '../language/feature.ts'
import { isPaned } from '../language/feature.ts'
import type { Window } from '../language/window.ts'
import { windowLabel } from '../language/window.ts'

const windowKey = (window: Window): number | string | null => {
  if (window.kind === 'months') return window.months
  return window.kind === 'ever' || window.kind === 'now' ? null : windowLabel(window)
}

const canonicalNode = (node: DerivedNode): readonly unknown[] => {
  switch (node.op) {
    case 'feature':
      return [node.op, canonical(node.of)]
    case 'constant':
      return [node.op, node.value]
    case 'absolute':
    case 'root':
    case 'is-missing':
      return [node.op, canonicalNode(node.of)]
    default:
      return [node.op, canonicalNode(node.left), canonicalNode(node.right)]
  }
}

/**
 * Everything that bears on a feature's number or place, and nothing else: descriptions and units may be reworded without making trained
 * models foreign. JSON arrays, so that property order cannot matter.
 */
export const canonical = (definition: Definition): readonly unknown[] => {
  const { kind, name, on, by } = definition
  switch (kind) {
    case 'aggregate': {
      const { value, where, how, window } = definition
      const pane = isPaned(definition) ? [how.paned!.accumulator.name, how.paned!.accumulator.version] : []
      return [kind, name, on, by, value, where, how.name, how.version, window.kind, windowKey(window), ...pane]
    }
    case 'stated':
      return [kind, name, on, by, definition.field]
    case 'ratio':
      return [kind, name, on, by, canonical(definition.dividend), canonical(definition.divisor)]
    case 'derived':
      return [kind, name, on, by, canonicalNode(definition.node)]
  }
}

/** Raised when expressions, windows, ratios or tie-breaking come to mean something else, which no definition would show. */
export const EVALUATION_VERSION = 1

/** SHA-256, hex, of a value's JSON text. */
export const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')
