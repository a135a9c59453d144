import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countNames, JSON_DEPTH_MAX, jsonFaultOf, placeOf } from '#schemas/json-faults.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Names in all objects of a value. */
const namesIn = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0
  return (Array.isArray(value) ? 0 : Object.keys(value).length) + Object.values(value).reduce<number>((sum, one) => sum + namesIn(one), 0)
}

const shallow = fc.json({ maxDepth: JSON_DEPTH_MAX - 1 })

test('a fault of syntax is found exactly where JSON.parse refuses: in whole texts, and in texts with a character changed', () => {
  fc.assert(
    fc.property(
      shallow,
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', ']', ',', ':', '\\', '0', '-', '.', 'e', ' ', '\n', '\u0001', 'x'),
      (json, at, character) => {
        const cut = at % (json.length + 1)
        for (const text of [json, json.slice(0, cut) + character + json.slice(cut), json.slice(0, cut) + character + json.slice(cut + 1)]) {
          const fault = jsonFaultOf(text)
          if (fault?.kind !== 'too-deep') expect([text, fault?.kind !== 'syntax']).toEqual([text, isJson(text)])
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

test('names are counted as they are written, so that a repeated one shows', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) expect(countNames(text)).toBe(namesIn(JSON.parse(text)))
    }),
    { numRuns: 1_000 },
  )
  expect(countNames('{"a":1,"a":2,"b\\"":"\\\\","c" \n:"\\\\\\":"}')).toBe(4)
})

test('repeated names are told with their place, escapes resolved', () => {
  expect(jsonFaultOf('{"a":1,"b":{"c/d":1,"c\\u002fd":2},"a":3}')).toEqual({ kind: 'duplicates', pointers: ['/b/c~1d', '/a'] })
  expect(jsonFaultOf('[{"a":1},{"a":2}]')).toBeUndefined()
})

test('the depth allowed passes, one level more does not', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  expect(jsonFaultOf(nested(JSON_DEPTH_MAX))).toBeUndefined()
  expect(jsonFaultOf(nested(JSON_DEPTH_MAX + 1))).toMatchObject({ kind: 'too-deep', at: JSON_DEPTH_MAX })
})

describe('the place is that of the first character that does not fit', () => {
  test.each([
    ['{"a":1,}', 7],
    ["{'a':1}", 1],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['01', 1],
    ['"a', 2],
    ['"\\x"', 1],
    ['"a\tb"', 2],
    ['{} {}', 3],
    ['  ', 2],
    ['NaN', 0],
  ])('%s', (text, at) => {
    expect(jsonFaultOf(text)).toMatchObject({ kind: 'syntax', at })
    expect(isJson(text)).toBe(false)
  })
})

test('lines and columns count from one', () => {
  expect(placeOf('ab\ncd', 4)).toBe('line 2, column 2')
  expect(placeOf('', 0)).toBe('line 1, column 1')
})
