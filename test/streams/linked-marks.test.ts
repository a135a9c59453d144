import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HighWaterMarks } from '#streams/linked/high-water-marks.ts'

interface Told {
  readonly sourcePartition: number
  readonly sourceOffset: number
  readonly n: number
}

/** What happens next to one source: an owner (0 the newest, 1 its predecessor, …) tells one more position, commits, or is succeeded. */
type Step = { readonly what: 'tell' | 'commit' | 'takeover'; readonly source: number; readonly who: number }

const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('tell', 'tell', 'tell', 'tell', 'commit', 'takeover'),
  source: fc.nat(1),
  who: fc.nat(2),
})
/** Which kinds of entity in this linked partition each position tells, for two sources. */
const anyPositions = fc.array(fc.array(fc.subarray([0, 1, 2]), { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 2 })

/** The linked partition as it comes to lie, with zombies that go on telling beside their successors. */
const topicOf = (positions: readonly (readonly (readonly number[])[])[], steps: readonly Step[]): readonly Told[] => {
  const topic: Told[] = []
  const sources = positions.map((told) => ({ told, owners: [0], committed: 0 }))
  const tell = (source: number, owner: number): void => {
    const { told, owners } = sources[source]!
    const at = owners[owner]!
    if (at >= told.length) return
    for (const n of told[at]!) topic.push({ sourcePartition: source, sourceOffset: at, n })
    owners[owner] = at + 1
  }
  for (const { what, source, who } of steps) {
    const one = sources[source]!
    if (what === 'tell') tell(source, Math.max(0, one.owners.length - 1 - who))
    // Only the newest: the store refuses the others.
    if (what === 'commit') one.committed = one.owners.at(-1)!
    if (what === 'takeover') one.owners.push(one.committed)
  }
  for (const [source, { told, owners }] of sources.entries()) while (owners.at(-1)! < told.length) tell(source, owners.length - 1)
  return topic
}

const name = ({ sourcePartition, sourceOffset, n }: Told): string => `${sourcePartition}-${sourceOffset}-${n}`

it('however owners succeed one another and zombies go on, each telling counts once, also with the marks stored and loaded between any two', () => {
  fc.assert(
    fc.property(anyPositions, fc.array(anyStep, { maxLength: 80 }), fc.nat(20), (positions, steps, every) => {
      let marks = new HighWaterMarks(2)
      const taken: string[] = []
      for (const [i, told] of topicOf(positions, steps).entries()) {
        if (i % (every + 1) === 0) marks = new HighWaterMarks(2, marks.bytes())
        if (marks.advance(told)) taken.push(name(told))
      }
      const all = positions.flatMap((told, sourcePartition) =>
        told.flatMap((kinds, sourceOffset) => kinds.map((n) => name({ sourcePartition, sourceOffset, n }))),
      )
      expect(taken.toSorted()).toEqual(all.toSorted())
    }),
    { numRuns: 2_000 },
  )
})

it('marks of another number of sources are refused', () => {
  expect(() => new HighWaterMarks(3, new HighWaterMarks(2).bytes())).toThrow(/3 sources take 24 bytes, found are 16/)
})
