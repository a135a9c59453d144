import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ApplicationEvent } from '#schemas/events.ts'
import { byCutOffs, decideBy, ruleThatHolds } from '#scoring/policy/apply-policy.ts'
import { parsePolicy } from '#scoring/policy/parse-policy.ts'
import { application } from './fixture.ts'

const features = ['applicant.statement.event.count.6mo', 'applicant.statement.repaymentStatus.last.6mo', 'applicant.payment.amount.sum.6mo']
const shipped = readFileSync(new URL('../../models/policy.yaml', import.meta.url), 'utf8')
const parse = (text: string) => parsePolicy(new TextEncoder().encode(text), 'policy.yaml', features)
const rule = (when: string): string => `name: p
version: 1
cutOffs: { refer: 0.1, decline: 0.3 }
rules:
  - id: one
    when: ${when}
    decision: refer
    reason: { code: ONE, text: One }
`
const holds = (when: string, changes: Partial<ApplicationEvent>, vector: readonly number[] = [1, 1, 1]): boolean =>
  ruleThatHolds(parse(rule(when)), { ...application, ...changes }, Float32Array.from(vector), 0) !== null

describe('the shipped policy', () => {
  const policy = parse(shipped)
  const decided = (changes: Partial<ApplicationEvent>, vector: readonly number[]): string | undefined =>
    ruleThatHolds(policy, { ...application, ...changes }, Float32Array.from(vector), 0)?.id
  test('is named by its content', () => {
    expect(policy.version).toBe(`default@${createHash('sha256').update(shipped).digest('hex').slice(0, 12)}`)
  })
  test('declines who is three months late now, refers who has no history or asks for too much', () => {
    expect(decided({}, [6, 3, 1])).toBe('seriously-delinquent-now')
    expect(decided({}, [6, 2, 1])).toBeUndefined()
    expect(decided({}, [NaN, NaN, NaN])).toBe('no-statement-history')
    expect(decided({}, [0, NaN, NaN])).toBe('no-statement-history')
    expect(decided({ amount: 100_000_001 as ApplicationEvent['amount'] }, [6, 0, 1])).toBe('amount-above-authority')
  })
  test('of several rules that hold the strictest decides, of equals the first', () => {
    expect(decided({ amount: 100_000_001 as ApplicationEvent['amount'] }, [0, 4, 1])).toBe('seriously-delinquent-now')
    expect(decided({ amount: 100_000_001 as ApplicationEvent['amount'] }, [0, 1, 1])).toBe('no-statement-history')
  })
})

describe('conditions', () => {
  test.each([
    ["{ field: amount, op: '<', value: 500001 }", true],
    ["{ field: amount, op: '>=', value: 500001 }", false],
    ["{ field: channel, op: '==', value: branch }", true],
    ["{ field: channel, op: '!=', value: branch }", false],
    ['{ field: channel, op: in, value: [online, branch] }', true],
    ['{ field: incomeMonthly, op: missing }', true],
    ['{ field: incomeMonthly, op: present }', false],
    ["{ field: incomeMonthly, op: '<', value: 100 }", false],
    ["{ all: [{ field: amount, op: '>', value: 0 }, { field: channel, op: '==', value: branch }] }", true],
    ["{ all: [{ field: amount, op: '>', value: 0 }, { field: channel, op: '==', value: online }] }", false],
    ["{ any: [{ field: amount, op: '<', value: 0 }, { field: channel, op: '==', value: branch }] }", true],
  ])('%s is %s', (when, expected) => expect(holds(when, {})).toBe(expected))
  test('a missing feature satisfies "missing" alone', () => {
    for (const op of ["'<'", "'>='", "'!='", "'=='"])
      expect(holds(`{ feature: applicant.payment.amount.sum.6mo, op: ${op}, value: 1 }`, {}, [1, 1, NaN])).toBe(false)
    expect(holds('{ feature: applicant.payment.amount.sum.6mo, op: missing }', {}, [1, 1, NaN])).toBe(true)
  })
})

describe('decisions', () => {
  test('cut-offs: approve below the first, decline from the second', () => {
    expect([0.0999, 0.1, 0.2999, 0.3].map((p) => byCutOffs(p, { refer: 0.1, decline: 0.3 }))).toEqual([
      'approve',
      'refer',
      'refer',
      'decline',
    ])
  })
  test('a rule may be stricter than the score and never softens it', () => {
    const [refer] = parse(rule("{ field: amount, op: '>', value: 0 }")).rules
    expect(decideBy('approve', refer!)).toEqual({ decision: 'refer', rule: refer })
    expect(decideBy('refer', refer!)).toEqual({ decision: 'refer', rule: refer })
    expect(decideBy('decline', refer!)).toEqual({ decision: 'decline', rule: null })
  })
})

describe('a policy with a mistake is refused with line, name and remedy', () => {
  const good = rule("{ field: amount, op: '>', value: 5 }")
  test.each([
    ['an unknown key', good.replace('decision:', 'verdict:'), /policy\.yaml:7: rules\[0\] has no key "verdict"; nearest known: .*decision/],
    ['an unknown field', good.replace('field: amount', 'field: amuont'), /policy\.yaml:6: .*no field "amuont"; nearest known: amount/],
    ['an identifier', good.replace('field: amount', 'field: applicantId'), /no field "applicantId"/],
    [
      'an unknown feature',
      good.replace('field: amount', 'feature: applicant.payment.amount.sum.3mo'),
      /no feature .* nearest known: applicant\.payment\.amount\.sum\.6mo/,
    ],
    ['an unknown operator', good.replace("'>'", "'=>'"), /policy\.yaml:6: rules\[0\]\.when\.op is "=>"; known: <, <=/],
    ['text compared with a number', good.replace('value: 5', 'value: five'), /must be a number, got "five"/],
    ['an order on text', good.replace('field: amount', 'field: channel'), /">" compares numbers, and the field holds text/],
    ['a value for missing', good.replace("'>'", 'missing'), /"missing" takes no value/],
    ['an approval by rule', good.replace('decision: refer', 'decision: approve'), /policy\.yaml:7: .*"approve"; known: refer, decline/],
    [
      'crossed cut-offs',
      good.replace('refer: 0.1', 'refer: 0.5'),
      /policy\.yaml:3: cutOffs need 0 < refer <= decline <= 1, got 0.5 and 0.3/,
    ],
    ['an absent cut-off', good.replace('refer: 0.1, ', ''), /policy\.yaml:3: cutOffs\.refer must be/],
    ['an absent name', good.replace('name: p', ''), /the policy needs name/],
    ['no YAML', 'a: [', /policy\.yaml:\d+: /],
    ['a rule named twice', good + good.slice(good.indexOf('  - id')), /policy\.yaml:9: rules\[1\]\.id "one" is used twice/],
    ['a repeated key', good.replace('name: p', 'name: p\nname: q'), /policy\.yaml:\d+: .*unique/],
  ])('%s', (_, text, message) => expect(() => parse(text)).toThrow(message))
})
