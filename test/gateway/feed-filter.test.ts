import { expect, test } from 'vitest'
import { matches, parseFilter, type FeedFilter } from '#gateway/feed-filter.ts'
import { exampleDecision } from './decision-records.ts'

const filter = (text: string): FeedFilter => {
  const parsed = parseFilter(text)
  if ('code' in parsed) throw new Error(parsed.detail)
  return parsed
}
const { body } = exampleDecision(0, 0, { outcome: 'refer', applicant: 'bank:a-1' })

test.each([
  ['', true],
  ['decision:refer', true],
  ['decision:approve|refer', true],
  ['decision:approve', false],
  ['product:credit-line,decision:refer', true],
  ['product:mortgage,decision:refer', false],
  ['applicant:bank:a-1', true],
  ['applicant:bank', false],
])('"%s" shows it: %s', (text, shown) => {
  expect(matches(filter(text), body)).toBe(shown)
})

test.each([
  'colour:red',
  'decision:',
  'decision',
  ':',
  ',',
  'decision:refer,',
  'decision:Refer',
  `applicant:${'a|'.repeat(100)}a`,
  '__proto__:x',
])('"%s" is refused as a problem that names the parameter', (text) => {
  expect(parseFilter(text)).toMatchObject({ code: 'invalid-parameter', status: 400, errors: [{ pointer: '?filter' }] })
})
