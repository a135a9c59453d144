import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { EVENT_KINDS } from '#schemas/events.ts'
import { GatewayCounters } from '#gateway/counters.ts'
import { Dashboard } from '#gateway/dashboard.ts'
import { openapiDocument } from '#gateway/openapi.ts'
import { Pages } from '#gateway/pages.ts'
import { publicCapsule, publicDecision } from '#gateway/public-decision.ts'
import { receiptJson } from '#gateway/receipt.ts'
import { rejectionProblem } from '#gateway/problem.ts'
import { buildRoutes } from '#gateway/routes.ts'
import { DEFAULT_LIMITS } from '#gateway/settings.ts'
import { exampleDecision } from './decision-records.ts'
import { application, payment, SmallEngine } from './small-engine.ts'

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly parameters?: readonly { name: string; in: string; required: boolean }[]
  readonly requestBody?: { content: Record<string, { schema: unknown; example?: unknown }> }
  readonly responses: Record<string, { description: string; content?: Record<string, unknown> }>
}

const document = JSON.parse(JSON.stringify(openapiDocument(DEFAULT_LIMITS))) as {
  openapi: string
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
)

const references = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [inner as string] : references(inner)))
}

/** The first reasons why `value` is not what the component says; references are inlined. */
const violations = (component: string, value: unknown): unknown[] => {
  const inline = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(inline)
    if (typeof schema !== 'object' || schema === null) return schema
    if ('$ref' in schema) return inline(document.components.schemas[String(schema.$ref).split('/').at(-1) ?? ''])
    return Object.fromEntries(Object.entries(schema).map(([key, inner]) => [key, inline(inner)]))
  }
  const schema = inline(document.components.schemas[component]) as TSchema
  return [...Compile(schema).Errors(JSON.parse(JSON.stringify(value)))]
}

describe('the document', () => {
  test('describes exactly the routes that are served, pages aside', () => {
    const pages = new Set(new Pages(new Dashboard()).routes().map(([path]) => `get ${path.replaceAll(/:(\w+)/g, '{$1}')}`))
    const routes = buildRoutes(new SmallEngine(), DEFAULT_LIMITS, new GatewayCounters(), { sqlUrl: '' })
    const served = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`).filter((route) => !pages.has(route))
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(served.sort())
  })

  test('is 3.1, with unique operations, known tags, described answers and declared path parameters', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    const tags = new Set(document.tags.map(({ name }) => name))
    for (const { path, operation } of operations) {
      expect(operation.tags.every((tag) => tags.has(tag))).toBe(true)
      expect(operation.summary).not.toBe('')
      for (const [status, { description }] of Object.entries(operation.responses))
        expect([status, description.length > 0]).toEqual([status, true])
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const declared = (operation.parameters ?? []).filter((one) => one.in === 'path')
      expect(declared.map(({ name, required }) => [name, required])).toEqual(named.map((name) => [name, true]))
    }
  })

  test('has no reference that leads nowhere and no component that nothing names', () => {
    const named = new Set(references(document))
    const components = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`)
    for (const reference of named) expect(components).toContain(reference)
    expect(components.filter((component) => !named.has(component))).toEqual([])
  })

  test('holds every kind of event with its units and privacy classes, and nothing of the log', () => {
    for (const kind of EVENT_KINDS) expect(document.components.schemas[`Event.${kind}`]).toMatchObject({ type: 'object' })
    expect(document.components.schemas['Event.payment']).toMatchObject({
      additionalProperties: false,
      properties: { amount: { 'x-unit': 'minor currency units', 'x-pii': 'sensitive', minimum: 1 } },
    })
    expect(JSON.stringify(document)).not.toContain('"avro"')
  })

  test('examples in it are what it says they are', () => {
    for (const { operation } of operations) {
      const body = operation.requestBody?.content['application/json']
      if (body === undefined) continue
      const [reference] = references({ schema: body.schema }).slice(0, 1)
      const component = reference?.split('/').at(-1) ?? ''
      expect([component, violations(component === 'Event' ? 'Event.payment' : component, body.example)]).toEqual([component, []])
    }
  })
})

describe('what is answered matches its schema', () => {
  test.each([
    ['Event.payment', payment()],
    ['Event.application', application()],
    ['Decision', publicDecision(exampleDecision(1, 2))],
    ['Capsule', publicCapsule(exampleDecision(1, 2))],
    ['Receipt', JSON.parse(receiptJson('e-1', { status: 'accepted', position: { partition: 0, offset: 1 } }))],
    ['Receipt', JSON.parse(receiptJson('e-1', { status: 'duplicate', position: null }))],
    [
      'Problem',
      rejectionProblem({ code: 'too-old', detail: 'too old', errors: [{ pointer: '/a', value: '1', expected: '2', remedy: '3' }] }),
    ],
  ])('%s', (component, value) => {
    expect(violations(component, value)).toEqual([])
  })

  test('and the check itself refuses what does not', () => {
    expect(violations('Decision', { ...publicDecision(exampleDecision(1, 2)), probability: 2 })).not.toEqual([])
    expect(violations('Problem', { title: 'x' })).not.toEqual([])
  })
})
