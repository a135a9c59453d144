/** What a subscriber wants to see: `filter=decision:decline|refer,product:mortgage,applicant:a-17`; all clauses must hold. */
import type { DecisionBody } from '#schemas/decision.ts'
import { parameterProblem, type Problem } from './problem.ts'

export interface FeedFilter {
  readonly decisions: ReadonlySet<string> | undefined
  readonly products: ReadonlySet<string> | undefined
  readonly applicants: ReadonlySet<string> | undefined
}

const CLAUSES: ReadonlyMap<string, keyof FeedFilter> = new Map([
  ['decision', 'decisions'],
  ['product', 'products'],
  ['applicant', 'applicants'],
])
const OUTCOMES: ReadonlySet<string> = new Set(['approve', 'refer', 'decline'])
/** Alternatives of one clause. */
const VALUES_MAX = 100

const EXPECTED = 'clauses such as decision:decline|refer,product:mortgage,applicant:a-17'

export const parseFilter = (text: string): FeedFilter | Problem => {
  const sets: { -readonly [Key in keyof FeedFilter]: FeedFilter[Key] } = {
    decisions: undefined,
    products: undefined,
    applicants: undefined,
  }
  if (text === '') return sets
  for (const clause of text.split(',')) {
    const colon = clause.indexOf(':')
    const name = CLAUSES.get(clause.slice(0, colon))
    const values = clause.slice(colon + 1).split('|')
    if (colon < 0 || name === undefined || values.includes('') || values.length > VALUES_MAX)
      return parameterProblem('filter', clause, EXPECTED, `use decision, product or applicant, each with 1 to ${VALUES_MAX} values`)
    const unknown = name === 'decisions' ? values.find((value) => !OUTCOMES.has(value)) : undefined
    if (unknown !== undefined) return parameterProblem('filter', unknown, 'approve, refer or decline', 'correct the decision')
    sets[name] = new Set(values)
  }
  return sets
}

/** Alerts and revisions (`null`) concern whoever watches everything; a filter asks for decisions. */
export const matches = ({ decisions, products, applicants }: FeedFilter, body: DecisionBody | null): boolean =>
  body === null
    ? decisions === undefined && products === undefined && applicants === undefined
    : (decisions === undefined || decisions.has(body.decision)) &&
      (products === undefined || products.has(body.product)) &&
      (applicants === undefined || applicants.has(body.applicantId))
