/** Which features two sets have in common: the same definition over as many held events, so that equal histories give equal numbers. */
import { canonical } from './compile/canonical.ts'
import type { CompiledFeatureSet } from './compile/compile.ts'
import type { Definition } from './language/feature.ts'
import type { FoldedKind } from './language/kinds.ts'
import type { FeatureSetParts } from './set-parts.ts'
import { aggregatesOf } from './state/layout.ts'

/** A feature's place in either vector. */
export interface SharedFeature {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** How much of a kind of events a set holds. */
const held = ({ layout }: CompiledFeatureSet, kind: FoldedKind): string =>
  JSON.stringify([
    layout.sections.find((section) => section.kind === kind)?.capacity,
    layout.panes.filter((section) => section.kind === kind).map(({ hopMs, panes }) => [hopMs, panes]),
  ])

const meaning = (set: CompiledFeatureSet, definition: Definition): string =>
  JSON.stringify([canonical(definition), aggregatesOf(definition).map(({ on }) => held(set, on))])

/** Of the applicant's own features; those of linked entities are left out. */
export const sharedFeatures = (from: FeatureSetParts, to: FeatureSetParts): readonly SharedFeature[] => {
  const places = new Map(from.own.definitions.map((definition, i) => [meaning(from.own, definition), from.ownAt[i]!]))
  return to.own.definitions.flatMap((definition, i) => {
    const place = places.get(meaning(to.own, definition))
    return place === undefined ? [] : [{ name: definition.name, from: place, to: to.ownAt[i]! }]
  })
}
