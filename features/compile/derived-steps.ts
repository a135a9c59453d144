/** Expressions over features become steps over slots: one step an operator, operands first. Each step stores for itself, see `aggregate.ts`. */
import type { DerivedBinary, DerivedNode, DerivedUnary } from '../language/derived.ts'
import type { Definition } from '../language/feature.ts'

export type SlotStep = (slots: Float64Array) => void

const BINARY: Readonly<Record<DerivedBinary, (left: number, right: number, slot: number) => SlotStep>> = {
  add: (left, right, slot) => (slots) => {
    slots[slot] = slots[left]! + slots[right]!
  },
  subtract: (left, right, slot) => (slots) => {
    slots[slot] = slots[left]! - slots[right]!
  },
  multiply: (left, right, slot) => (slots) => {
    slots[slot] = slots[left]! * slots[right]!
  },
  divide: (left, right, slot) => (slots) => {
    if (slots[right] === 0) slots[slot] = NaN
    else slots[slot] = slots[left]! / slots[right]!
  },
  least: (left, right, slot) => (slots) => {
    slots[slot] = Math.min(slots[left]!, slots[right]!)
  },
  greatest: (left, right, slot) => (slots) => {
    slots[slot] = Math.max(slots[left]!, slots[right]!)
  },
  otherwise: (left, right, slot) => (slots) => {
    if (Number.isNaN(slots[left])) slots[slot] = slots[right]!
    else slots[slot] = slots[left]!
  },
}

const UNARY: Readonly<Record<DerivedUnary, (of: number, slot: number) => SlotStep>> = {
  absolute: (of, slot) => (slots) => {
    slots[slot] = Math.abs(slots[of]!)
  },
  root: (of, slot) => (slots) => {
    slots[slot] = Math.sqrt(slots[of]!)
  },
  'is-missing': (of, slot) => (slots) => {
    if (Number.isNaN(slots[of])) slots[slot] = 1
    else slots[slot] = 0
  },
}

/** What a derived feature needs of the slots around it. */
interface Slots {
  /** Slot of a feature. */
  of(definition: Definition): number
  /** A slot of its own, which holds `value` until written. */
  add(value: number): number
}

/** Steps that leave the value of `node` in `slot`. */
export const derivedSteps = (node: DerivedNode, slot: number, slots: Slots): readonly SlotStep[] => {
  const operand = (inner: DerivedNode): { readonly slot: number; readonly steps: readonly SlotStep[] } => {
    if (inner.op === 'feature') return { slot: slots.of(inner.of), steps: [] }
    if (inner.op === 'constant') return { slot: slots.add(inner.value), steps: [] }
    const own = slots.add(NaN)
    return { slot: own, steps: derivedSteps(inner, own, slots) }
  }
  switch (node.op) {
    case 'feature':
    case 'constant': {
      const from = operand(node).slot
      return [
        (all) => {
          all[slot] = all[from]!
        },
      ]
    }
    case 'absolute':
    case 'root':
    case 'is-missing': {
      const of = operand(node.of)
      return [...of.steps, UNARY[node.op](of.slot, slot)]
    }
    default: {
      const left = operand(node.left)
      const right = operand(node.right)
      return [...left.steps, ...right.steps, BINARY[node.op](left.slot, right.slot, slot)]
    }
  }
}
