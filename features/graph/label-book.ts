/** Matured labels by node: each with when it became final, so that what was known at any moment can be told. */
import type { GraphOverflow } from './graph-limits.ts'

interface Label {
  readonly applicant: number
  readonly bad: boolean
  /** Epoch ms. */
  readonly maturedAt: number
}

export class LabelBook {
  readonly #labelsMax: number
  readonly #overflow: GraphOverflow
  /** Ascending in maturity. */
  readonly #byNode = new Map<number, Label[]>()

  constructor(labelsMax: number, overflow: GraphOverflow) {
    this.#labelsMax = labelsMax
    this.#overflow = overflow
  }

  /** Keeps the newest by maturity, in any order of arrival. */
  note(node: number, label: Label): void {
    const labels = this.#byNode.get(node) ?? []
    this.#byNode.set(node, labels)
    let at = labels.length
    while (at > 0 && labels[at - 1]!.maturedAt > label.maturedAt) at--
    labels.splice(at, 0, label)
    if (labels.length <= this.#labelsMax) return
    labels.shift()
    this.#overflow.labels++
  }

  /** Labels final by t of applicants other than this one. */
  ofOthers(node: number, applicant: number, t: number): { readonly labelled: number; readonly bad: number } {
    let [labelled, bad] = [0, 0]
    for (const label of this.#byNode.get(node) ?? []) {
      if (label.maturedAt > t) break
      if (label.applicant === applicant) continue
      labelled++
      if (label.bad) bad++
    }
    return { labelled, bad }
  }

  /** Bad outcomes of a node, final by t. */
  badOf(node: number, t: number): number {
    let bad = 0
    for (const label of this.#byNode.get(node) ?? []) if (label.maturedAt <= t && label.bad) bad++
    return bad
  }
}
