/** A credit policy as data: cut-offs on the probability of bad, and hard rules over the application and named features. */
import type { DecisionOutcome } from '#schemas/decision.ts'

/** `missing` and `present` take no value; all others are false where the operand is missing. */
export const OPERATORS = ['<', '<=', '>', '>=', '==', '!=', 'in', 'missing', 'present'] as const
export type Operator = (typeof OPERATORS)[number]
export type Scalar = string | number

export interface Test {
  readonly kind: 'test'
  readonly operand: { readonly kind: 'field'; readonly name: string } | { readonly kind: 'feature'; readonly index: number }
  readonly op: Operator
  /** One value; several for `in`; none for `missing` and `present`. */
  readonly values: readonly Scalar[]
}

export type Condition = Test | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }

export interface Rule {
  readonly id: string
  readonly when: Condition
  /** A rule may be stricter than the score, never more lenient. */
  readonly decision: Exclude<DecisionOutcome, 'approve'>
  readonly reason: { readonly code: string; readonly text: string }
}

export interface Policy {
  readonly name: string
  /** Author's own label; identity is {@link version}. */
  readonly label: string
  /** `<name>@<first 12 hex digits of the file's SHA-256>`. */
  readonly version: string
  readonly cutOffs: 'from-bundle' | { readonly refer: number; readonly decline: number }
  /** In the order of the file. */
  readonly rules: readonly Rule[]
}
