/** `POST /v1/decisions/{id}/replay`: a past decision again, in a fresh process, compared byte for byte. */
import type { HttpRequest } from 'uWebSockets.js'
import type { Exchange } from './exchange.ts'
import type { Replay } from './ports.ts'
import { problem } from './problem.ts'
import { DECISION_ID, decisionIdProblem, pathParameter } from './path-parameter.ts'

/** Each replay loads a model in a process of its own: a second of a core and some 200 MB. */
const UNDER_WAY_MAX = 2

export class ReplayRoute {
  readonly #replay: Replay | undefined
  #underWay = 0

  /** Without `replay` the route says that this server cannot. */
  constructor(replay: Replay | undefined) {
    this.#replay = replay
  }

  async handle(exchange: Exchange, req: HttpRequest): Promise<void> {
    const id = pathParameter(req)
    if (!DECISION_ID.test(id)) return exchange.problem(decisionIdProblem(id))
    if (this.#replay === undefined)
      return exchange.problem(problem('replay-unavailable', 'this server keeps no log to replay from; use scorestream replay'))
    if (this.#underWay >= UNDER_WAY_MAX)
      return exchange.problem(problem('overloaded', `${UNDER_WAY_MAX} replays are under way; send again after the time in Retry-After`))
    this.#underWay++
    try {
      const answer = await this.#replay(id)
      if (answer === undefined) return exchange.problem(problem('decision-not-found', `nothing was decided at ${id}`))
      exchange.json(200, JSON.stringify(answer))
    } finally {
      this.#underWay--
    }
  }
}
