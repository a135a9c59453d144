import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignFolds, rowsWhere } from '#training/folds.ts'

const clients = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1 })), { minLength: 20, maxLength: 200 })
const asData = (rows: readonly (readonly [number, number])[]) => ({
  applicantIds: rows.map(([client]) => `c${client}`),
  labels: Uint8Array.from(rows, ([, label]) => label),
})

test('a client’s applications are all in one fold', () => {
  fc.assert(
    fc.property(clients, (rows) => {
      const folds = assignFolds(asData(rows), 5, 1)
      const foldOf = new Map<number, number>()
      rows.forEach(([client], row) => expect(folds[row]).toBe(foldOf.set(client, foldOf.get(client) ?? folds[row]!).get(client)))
    }),
  )
})

test('folds of one application a client differ by at most one row, in all and among the bads', () => {
  const rows = Array.from({ length: 1003 }, (_, client) => [client, Number(client % 7 === 0)] as const)
  const { labels } = asData(rows)
  const folds = assignFolds(asData(rows), 5, 1)
  const sizes = [0, 1, 2, 3, 4].map((fold) => rowsWhere(folds, (other) => other === fold))
  const bads = sizes.map((members) => members.filter((row) => labels[row] === 1).length)
  expect(Math.max(...sizes.map(({ length }) => length)) - Math.min(...sizes.map(({ length }) => length))).toBeLessThanOrEqual(1)
  expect(Math.max(...bads) - Math.min(...bads)).toBeLessThanOrEqual(1)
})

test('the seed decides, the order of the rows does not', () => {
  const rows = Array.from({ length: 300 }, (_, client) => [client, client % 3 === 0 ? 1 : 0] as const)
  const folds = assignFolds(asData(rows), 5, 1)
  const reversed = assignFolds(asData(rows.toReversed()), 5, 1)
  expect([...reversed].toReversed()).toEqual([...folds])
  expect([...assignFolds(asData(rows), 5, 2)]).not.toEqual([...folds])
})
