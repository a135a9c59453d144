/** What the policy makes of a probability and an application. */
import type { DecisionOutcome } from '#schemas/decision.ts'
import type { ApplicationEvent } from '#schemas/events.ts'
import type { Condition, Policy, Rule, Scalar, Test } from './policy.ts'

const operandOf = ({ operand }: Test, application: ApplicationEvent, vectors: Float32Array, at: number): Scalar | undefined => {
  if (operand.kind === 'field') return (application as unknown as Readonly<Record<string, Scalar | undefined>>)[operand.name]
  const x = vectors[at + operand.index]!
  return Number.isNaN(x) ? undefined : x
}

const compare = (value: Scalar, { op, values }: Test): boolean => {
  const [other] = values
  switch (op) {
    case '<':
      return value < other!
    case '<=':
      return value <= other!
    case '>':
      return value > other!
    case '>=':
      return value >= other!
    case '==':
      return value === other
    case '!=':
      return value !== other
    case 'in':
      return values.includes(value)
    case 'present':
      return true
    case 'missing':
      return false
  }
}

/** Whether the condition holds of the application and the vector at `vectors[at ..)`. A missing operand satisfies `missing` alone. */
const holds = (condition: Condition, application: ApplicationEvent, vectors: Float32Array, at: number): boolean => {
  if (condition.kind !== 'test') {
    // Loops, not every/some: this runs for each decision and should allocate nothing.
    const needed = condition.kind === 'any'
    for (const part of condition.of) if (holds(part, application, vectors, at) === needed) return needed
    return !needed
  }
  const value = operandOf(condition, application, vectors, at)
  return value === undefined ? condition.op === 'missing' : compare(value, condition)
}

const SEVERITY: Readonly<Record<DecisionOutcome, number>> = { approve: 0, refer: 1, decline: 2 }

/** The rule that decides: of those that hold the strictest, of equals the first in the file; null where none holds. */
export const ruleThatHolds = (policy: Policy, application: ApplicationEvent, vectors: Float32Array, at: number): Rule | null => {
  let found: Rule | null = null
  for (const rule of policy.rules)
    if (SEVERITY[rule.decision] > (found === null ? 0 : SEVERITY[found.decision]) && holds(rule.when, application, vectors, at))
      found = rule
  return found
}

/**
 * Rules come before the score, and never soften it: the stricter of the two decides, the rule where they agree.
 * @param scored what the cut-offs say.
 * @returns the decision, and the rule that made it or null where the score did.
 */
export const decideBy = (scored: DecisionOutcome, rule: Rule | null): { decision: DecisionOutcome; rule: Rule | null } =>
  rule !== null && SEVERITY[rule.decision] >= SEVERITY[scored] ? { decision: rule.decision, rule } : { decision: scored, rule: null }

/** Approve below `refer`, decline from `decline`, refer between. */
export const byCutOffs = (probability: number, cutOffs: { readonly refer: number; readonly decline: number }): DecisionOutcome =>
  probability >= cutOffs.decline ? 'decline' : probability >= cutOffs.refer ? 'refer' : 'approve'
