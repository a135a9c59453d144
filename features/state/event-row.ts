/** One event in columns of length 1, so that the passes made for rings run over it too. */
import type { EventColumns } from '../compile/column-passes.ts'
import type { FoldedKind } from '../language/kinds.ts'
import { numericField } from '../language/kinds.ts'
import { MISSING_NUMBER } from './number-array.ts'
import type { TextCode } from './text-code.ts'
import { textCode } from './text-code.ts'

interface Entry {
  readonly field: string
  readonly cell: Float64Array
  readonly code: TextCode | null
}

export class EventRow implements EventColumns {
  readonly capacity = 1
  readonly held = 1
  readonly times = new Float64Array(1)
  readonly #kind: FoldedKind
  readonly #entries: Entry[] = []

  constructor(kind: FoldedKind) {
    this.#kind = kind
  }

  stored(field: string): Float64Array {
    const known = this.#entries.find((entry) => entry.field === field)
    if (known !== undefined) return known.cell
    const code = numericField(this.#kind, field) === undefined ? textCode(this.#kind, field) : null
    const entry = { field, cell: new Float64Array(1), code }
    this.#entries.push(entry)
    return entry.cell
  }

  load(event: { readonly eventTime: number }): void {
    const values = event as unknown as Readonly<Record<string, number>>
    this.times[0] = event.eventTime
    const entries = this.#entries
    for (let i = 0; i < entries.length; i++) {
      const { field, cell, code } = entries[i]!
      // Adding 0 turns −0 into 0: equal numbers must be equal bytes.
      if (code !== null) code(values[field] as unknown as string | undefined, cell, 0)
      else if (values[field] === undefined) cell[0] = MISSING_NUMBER
      else cell[0] = values[field] + 0
    }
  }
}
