import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextFloat32, previousFloat32 } from '#registry/onnx/float32.ts'
import type { EncodedColumn } from '#registry/manifest.ts'
import { emptyTree, type Tree } from '#registry/onnx/tree-ensemble.ts'
import { columnOf, encode } from '#training/preparation/encoded-column.ts'
import { foldIntoTrees, type MemberColumn, recover } from '#training/preparation/fold-into-trees.ts'
import { treeMargin } from '#training/tree-margin.ts'

const FEATURES = 2
const small = fc.float({ min: -8, max: 8, noNaN: true }).map((value) => Math.fround(Math.round(value * 4) / 4) + 0)
const value = fc.option(small, { nil: null, freq: 3 })

const encodedColumn: fc.Arbitrary<EncodedColumn> = fc
  .tuple(fc.uniqueArray(small, { maxLength: 6 }), fc.array(value, { minLength: 7, maxLength: 7 }), value)
  .map(([edges, values, missing]) => {
    const ends = [...edges.toSorted((a, b) => a - b), Infinity]
    return columnOf(
      'f',
      'any',
      ends.map((upTo, piece) => ({ upTo, value: values[piece]! })),
      missing,
    )
  })
const memberColumns: fc.Arbitrary<MemberColumn[]> = fc.array(
  fc.record({ source: fc.integer({ min: 0, max: FEATURES - 1 }), encoded: fc.option(encodedColumn, { nil: null, freq: 4 }) }),
  { minLength: 3, maxLength: 3 },
)

/** A full tree of depth 3 over three columns. Thresholds lie on, between and beside float32 values. */
const tree: fc.Arbitrary<Tree> = fc
  .array(
    fc.record({
      column: fc.integer({ min: 0, max: 2 }),
      threshold: fc.oneof(
        small,
        small.map((at) => at + 1e-12),
        small.map((at) => at - 1e-12),
        fc.constantFrom(Infinity),
      ),
      missingLeft: fc.boolean(),
    }),
    { minLength: 7, maxLength: 7 },
  )
  .map((splits) => {
    const made = emptyTree(15)
    splits.forEach((split, node) => {
      made.feature[node] = split.column
      made.threshold[node] = split.threshold
      made.missingLeft[node] = Number(split.missingLeft)
      made.left[node] = 2 * node + 1
      made.right[node] = 2 * node + 2
    })
    for (let leaf = 7; leaf < 15; leaf++) made.leafValue[leaf] = leaf
    return made
  })

/** Where anything could change: at every edge and threshold, the float32 before and after, far out, and nothing. */
const probesOf = (columns: readonly MemberColumn[], { threshold }: Tree): number[] => {
  const edges = columns.flatMap(({ encoded }) => encoded?.edges ?? [])
  const at = [...edges, ...[...threshold.slice(0, 7)].filter(Number.isFinite).map(Math.fround)]
  return [...new Set([...at.flatMap((x) => [previousFloat32(x), x, nextFloat32(x)]), -1e30, 1e30, Number.NaN])]
}

test('a folded tree gives every row of features the leaf that its encoded columns reach', () => {
  fc.assert(
    fc.property(memberColumns, tree, (columns, grown) => {
      const over = { features: columns.length, base: 0, trees: [grown] }
      const folded = foldIntoTrees(over, columns, FEATURES)
      const probes = probesOf(columns, grown)
      for (const a of probes)
        for (const b of probes) {
          const row = Float32Array.of(a, b)
          const encoded = Float32Array.from(columns, (column) =>
            column.encoded === null ? row[column.source]! : encode(column.encoded, row[column.source]!),
          )
          if (treeMargin(folded, row, 0) !== treeMargin(over, encoded, 0))
            expect([a, b, treeMargin(folded, row, 0)]).toEqual(treeMargin(over, encoded, 0))
        }
    }),
    { numRuns: 400 },
  )
})

test('covers count the rows that reach each node; what none reaches weighs a trifle, so that shares stay defined', () => {
  const column = columnOf(
    'f',
    'is(1)',
    [
      { upTo: previousFloat32(1), value: 0 },
      { upTo: 1, value: 1 },
      { upTo: Infinity, value: 0 },
    ],
    0,
  )
  const grown = emptyTree(3)
  grown.feature[0] = 0
  grown.threshold[0] = 0.5
  grown.missingLeft[0] = 1
  grown.left[0] = 1
  grown.right[0] = 2
  grown.leafValue.set([0, -1, 1])
  const folded = foldIntoTrees({ features: 1, base: 0, trees: [grown] }, [{ source: 0, encoded: column }], 1)
  const { trees } = recover(folded, Float32Array.of(1, 1, 0, 0.5))
  const leaves = [...trees[0]!.feature.keys()].filter((node) => trees[0]!.feature[node] === -1)
  expect(leaves.map((node) => [trees[0]!.leafValue[node], trees[0]!.cover[node]])).toEqual([
    [-1, 2],
    [1, 2],
    [-1, 2 ** -10],
  ])
  expect(trees[0]!.cover[0]).toBe(4 + 2 ** -10)
})
