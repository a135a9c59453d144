import { describe, expect, test } from 'vitest'
import { readMapping } from '#streams/import/mapping/read-mapping.ts'

const base = (event: string, rest = ''): string => `mapping: bank
title: A bank
producer: bank
codes:
  homes: { R: rent, O: own }
${rest}tables:
  loans:
    applicant: ='c-' & client
    events:
      - kind: application
        time: =date(day, 'YYYY-MM-DD')
        fields:
          applicationId: =id
          product: personal-loan
          amount: =money(amount)
          currency: EUR
          termMonths: =number(term)
          purpose: car
          channel: branch
${event}`

const faults = (yaml: string): string => {
  try {
    readMapping(yaml, 'bank.yaml')
    return 'sound'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a mapping', () => {
  test('that is sound is read', () => {
    expect(faults(base('          housing: =code(homes, home)\n'))).toBe('sound')
  })

  test.each([
    [
      'an unknown field',
      '          housng: own\n',
      /line 20, tables\.loans\.events\.0\.fields\.housng: "housng" is not a field of application; did you mean "housing"\?/,
    ],
    ['a literal no schema knows', '          housing: owned\n', /fields\.housing: "owned" is not one of own, mortgage, rent/],
    [
      'a code list whose meanings do not fit',
      '          employmentType: =code(homes, home)\n',
      /"rent" is not one of employed, self-employed/,
    ],
    ['an unknown function', '          housing: =cod(homes, home)\n', /there is no function "cod" \(character 2\); did you mean "code"\?/],
    ['an unknown code list', '          housing: =code(home, home)\n', /there is no code list "home".*did you mean "homes"\?/],
    ['a number where an instant is wanted', '          deviceId: =origin\n', /a text is wanted here and this is an instant/],
    ['a broken expression', "          deviceId: =('a' & \n", /a value is missing/],
    [
      'days added without saying that they are days',
      '      - kind: subject-request\n        time: =origin + offset\n        fields: { request: access }\n',
      /a span of time is wanted here.*days\(/,
    ],
  ])('with %s is refused by line, key, value and remedy', (_, event, message) => {
    expect(faults(base(event))).toMatch(message)
  })

  test('with an unknown key, a missing key, or two of one name is refused', () => {
    expect(faults(base('', 'lookup: {}\n'))).toMatch(/line 6, lookup: .*did you mean "lookups"\?/)
    expect(faults('mapping: bank\ntitle: A bank\ntables: {}\n')).toMatch(/producer: absent is not/)
    expect(faults('mapping: bank\nmapping: bank\n')).toMatch(/line 2: .*unique/)
    expect(faults(base('').replace('          currency: EUR\n', ''))).toMatch(
      /no currency is not an event of kind application; add currency/,
    )
  })

  test('that looks things up in a table it does not have is refused', () => {
    const lookups = 'lookups:\n  homes: { from: loan, by: =id, keep: { n: =count() } }\n'
    expect(faults(base('', lookups))).toMatch(/lookups\.homes\.from: "loan" is not a table of this mapping; did you mean "loans"\?/)
  })
})
