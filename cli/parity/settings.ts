/** The block `parity` of the configuration: how live features are held against the raw events, and what that bars. */
import Type from 'typebox'

export const ParitySettings = Type.Object(
  {
    everySeconds: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 86_400,
      description: 'Seconds between two measurements of fresh decisions in the warehouse, at least; 0 measures only when asked',
    }),
    sample: Type.Integer({ default: 200, minimum: 1, maximum: 10_000, description: 'Decisions of one measurement' }),
    budget: Type.Number({
      default: 0,
      minimum: 0,
      maximum: 1,
      description: 'Share of live feature values that may differ from what the events say; above it no model is promoted',
    }),
  },
  { default: {}, additionalProperties: false },
)
