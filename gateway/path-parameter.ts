/** Parameters in paths: decoded, and judged before anything is looked up. */
import type { HttpRequest } from 'uWebSockets.js'
import { parameterProblem, type Problem } from './problem.ts'

export const DECISION_ID = /^\d{1,6}-\d{1,16}$/

/** The first path parameter, percent-decoded; undecodable text stays as it is and fails its pattern. */
export const pathParameter = (req: HttpRequest): string => {
  const raw = req.getParameter(0) ?? ''
  try {
    return decodeURIComponent(raw)
  } catch {
    return raw
  }
}

export const decisionIdProblem = (id: string): Problem =>
  parameterProblem('id', id, '<partition>-<offset>', 'copy decisionId from a decision, for example 3-1742')
