/** From an unfinished exchange to body bytes, or an answered refusal. */
import type { HttpRequest } from 'uWebSockets.js'
import type { Body, Exchange } from './exchange.ts'
import type { Engine } from './ports.ts'
import { parameterProblem, problem } from './problem.ts'

/** Media type without parameters, lower case. */
export const mediaType = (req: HttpRequest): string => {
  const value = req.getHeader('content-type')
  const end = value.indexOf(';')
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase()
}

/** The whole body, or undefined once the refusal has been answered (and what had arrived of it dead-lettered, where it was an event). */
export const wholeBody = async (
  exchange: Exchange,
  pending: Promise<Body>,
  bytesMax: number,
  engine?: Engine,
): Promise<Buffer | undefined> => {
  const body = await pending
  switch (body.kind) {
    case 'whole':
      return body.bytes
    case 'aborted':
      return undefined
    case 'slow':
      exchange.problem(problem('request-timeout', 'the body did not arrive in time; send it again in one piece'))
      return undefined
    case 'overloaded':
      exchange.problem(problem('overloaded', 'too many request bodies are in memory; send again after the time in Retry-After'))
      return undefined
    case 'too-large': {
      const detail = `the body exceeds ${bytesMax} bytes`
      const remedy = 'split it into several requests'
      await engine?.deadLetter(body.prefix, {
        code: 'too-large',
        detail: `${detail}; the first ${body.prefix.length} bytes are kept`,
        errors: [{ pointer: '', value: '', expected: `at most ${bytesMax} bytes`, remedy }],
      })
      exchange.problem(problem('too-large', detail, [{ pointer: '', value: '', expected: `at most ${bytesMax} bytes`, remedy }]))
      return undefined
    }
  }
}

/** An integer query parameter, or its default where absent, or undefined once the refusal has been answered. */
export const integerParameter = (
  exchange: Exchange,
  req: HttpRequest,
  name: string,
  range: { readonly minimum: number; readonly maximum: number; readonly absent: number },
): number | undefined => {
  const value = req.getQuery(name)
  if (value === undefined) return range.absent
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (number >= range.minimum && number <= range.maximum) return number
  exchange.problem(
    parameterProblem(
      name,
      value,
      `an integer from ${range.minimum} to ${range.maximum}`,
      `leave it out for ${range.absent}, or correct it`,
    ),
  )
  return undefined
}
