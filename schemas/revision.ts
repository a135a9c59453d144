/** A decision whose inputs look otherwise by what came in later (topic `revisions`). The decision itself stays. */
import Type, { type Static } from 'typebox'
import { choice, identifier, instant, integer, number, sha256, text } from './field.ts'

const nullable = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const position = (description: string) =>
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description, unit: 'records', pii: 'none', avro: 'long' })
const value = (description: string) =>
  nullable(number(description, 'see the feature dictionary', -Number.MAX_VALUE, Number.MAX_VALUE, 'sensitive'))
const outcome = (description: string) => choice(description, ['approve', 'refer', 'decline'], 'sensitive')

const RevisedFeatureSchema = Type.Object({
  feature: text('Feature, entity.kind.field.aggregate.window', 256),
  old: value('As scored; null = missing'),
  new: value('As known with the late event; null = missing'),
})

export const RevisionSchema = Type.Object(
  {
    partition: integer('Partition of the decision and of the late event', 'partition', 0, 1_048_575, 'none'),
    offset: position('Offset of the decided application'),
    causeOffset: position('Offset of the late event'),
    causeEventId: identifier('The late event'),
    causeKind: text('Its kind', 32),
    revisedAt: instant('Append time of the late event'),
    applicationId: identifier('Application decided', 'pseudonym'),
    applicantId: identifier('Pseudonym of the borrower', 'pseudonym'),
    modelVersion: text('Bundle that decided, name@version', 128),
    policyVersion: text('Policy that decided', 128),
    featureSetHash: sha256('Feature set of the decision'),
    decision: outcome('What was decided'),
    probability: number('Calibrated probability of bad, as decided', 'probability', 0, 1),
    revisedDecision: nullable(outcome('What the same bundle and policy would decide now; null where they are no longer at hand')),
    revisedProbability: nullable(number('With the late event', 'probability', 0, 1)),
    changes: Type.Array(RevisedFeatureSchema, {
      description: 'Features that differ from what was scored, in vector order; none where a later event undid an earlier one',
      unit: 'features',
      pii: 'sensitive',
      maxItems: 4_096,
    }),
  },
  { title: 'revision', description: 'What a late event would have changed in a decision already made' },
)
export type Revision = Readonly<Static<typeof RevisionSchema>>

/** Whether the decision would come out otherwise; null where nobody could say. */
export const flips = ({ decision, revisedDecision }: Revision): boolean | null =>
  revisedDecision === null ? null : revisedDecision !== decision
