import fc from 'fast-check'
import Format from 'typebox/format'
import { expect, it } from 'vitest'
import { canonicalInstant } from '#schemas/instant.ts'

const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

it('reads every instant from 1970 on as the language does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LAST_MS }), (milliseconds) => {
      const text = new Date(milliseconds).toISOString()
      expect(canonicalInstant(text)).toBe(milliseconds)
      expect(canonicalInstant(text.replace(/\.\d+Z/, 'Z'))).toBe(Math.floor(milliseconds / 1000) * 1000)
    }),
    { numRuns: 2_000 },
  )
})

it('cuts off what is finer than milliseconds', () => {
  expect(canonicalInstant('2005-09-14T08:30:00.1239999Z')).toBe(Date.UTC(2005, 8, 14, 8, 30, 0, 123))
  expect(canonicalInstant('2005-09-14T08:30:00.5Z')).toBe(Date.UTC(2005, 8, 14, 8, 30, 0, 500))
})

const parts = fc.tuple(
  fc.constantFrom('1970', '1999', '2000', '2004', '2100', '9999', '0000', '1969', '20x4'),
  fc.constantFrom('-', '/'),
  fc.constantFrom('01', '02', '04', '12', '00', '13', '1 '),
  fc.constantFrom('01', '28', '29', '30', '31', '00', '32'),
  fc.constantFrom('T', 't', ' '),
  fc.constantFrom('00', '23', '24'),
  fc.constantFrom('00', '59', '60'),
  fc.constantFrom('00', '59', '60', '61'),
  fc.constantFrom('', '.', '.0', '.999', '.9999', '.x', ',5'),
  fc.constantFrom('Z', 'z', '+00:00', '', 'ZZ', '[Europe/Berlin]'),
)

it('claims only what is RFC 3339, and gives it the value that the language does', () => {
  let claimed = 0
  fc.assert(
    fc.property(parts, ([year, dash, month, day, t, hour, minute, second, fraction, zone]) => {
      const text = `${year}${dash}${month}-${day}${t}${hour}:${minute}:${second}${fraction}${zone}`
      const read = canonicalInstant(text)
      if (Number.isNaN(read)) return
      claimed++
      expect(Format.IsDateTime(text)).toBe(true)
      expect(read).toBe(Date.parse(text))
    }),
    { numRuns: 20_000 },
  )
  expect(claimed).toBeGreaterThan(0)
})
