/** The block `tracing` of the configuration. Apart from `tracing.ts`, so that reading a configuration loads no SDK. */
import Type, { type Static } from 'typebox'

export const TracingSettings = Type.Object(
  {
    endpoint: Type.Union([Type.Null(), Type.String({ pattern: '^https?://' })], {
      default: null,
      description: 'OTLP/HTTP address of a collector, such as http://127.0.0.1:4318/v1/traces; null sends none',
    }),
    share: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description: 'Share of the decisions traced besides those whose event asks for it',
    }),
  },
  { default: {}, additionalProperties: false },
)
export type Tracing = Static<typeof TracingSettings>
