/** Pieces that every operation of the OpenAPI document is put together from. */
import { type JsonSchema, ref } from './openapi-schemas.ts'

export const content = (schema: JsonSchema, example?: unknown, type = 'application/json') => ({
  [type]: example === undefined ? { schema } : { schema, example },
})
export const answer = (description: string, schema: JsonSchema, type?: string) => ({
  description,
  content: content(schema, undefined, type),
})
export const refusal = (description: string) => answer(description, ref('Problem'), 'application/problem+json')

export const REFUSALS = {
  '400': refusal('Not valid JSON or UTF-8, or a wrong parameter'),
  '401': refusal('Credentials required'),
  '403': refusal('Host, Origin or role not allowed'),
} as const
export const BODY_REFUSALS = {
  ...REFUSALS,
  '408': refusal('The body did not arrive in time'),
  '413': refusal('Too large'),
  '415': refusal('Unsupported media type'),
  '422': refusal('The content is not acceptable; errors name pointer, value, expectation and remedy'),
  '503': refusal('Overloaded, or the disk is full: send again after Retry-After'),
} as const

export const query = (name: string, description: string, schema: JsonSchema) => ({
  name,
  in: 'query',
  required: false,
  description,
  schema,
})
export const path = (name: string, description: string, schema: JsonSchema, example: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema,
  example,
})
