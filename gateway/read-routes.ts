/** Everything that is only looked at: decisions, applicants, models, health, metrics. */
import type { HttpRequest } from 'uWebSockets.js'
import type { GatewayCounters } from './counters.ts'
import { countersText } from './counters-text.ts'
import type { Exchange } from './exchange.ts'
import { DECISION_ID, decisionIdProblem, pathParameter } from './path-parameter.ts'
import type { Engine, PublishedModel } from './ports.ts'
import { parameterProblem, problem } from './problem.ts'
import { publicCapsule, publicDecision } from './public-decision.ts'

const APPLICANT = /^[A-Za-z0-9._:~-]{1,128}$/

/** What a reader wants of a manifest; reference distributions and scorecard bins stay in the bundle. */
const modelJson = ({ name, version, aliases, bundleHash, manifest }: PublishedModel) => ({
  name,
  version,
  aliases,
  bundleHash,
  parent: manifest.parent,
  featureSetHash: manifest.featureSetHash,
  features: manifest.features.length,
  members: manifest.members.map(({ name, kind, weight }) => ({ name, kind, weight })),
  cutOffs: manifest.cutOffs,
  metrics: manifest.metrics,
  data: manifest.data,
  seed: manifest.training.seed,
})

export class ReadRoutes {
  readonly #engine: Engine
  readonly #counters: GatewayCounters

  constructor(engine: Engine, counters: GatewayCounters) {
    this.#engine = engine
    this.#counters = counters
  }

  async decision(exchange: Exchange, req: HttpRequest): Promise<void> {
    const id = pathParameter(req)
    const capsule = req.getQuery('capsule')
    if (!DECISION_ID.test(id)) return exchange.problem(decisionIdProblem(id))
    if (capsule !== undefined && capsule !== 'true' && capsule !== 'false')
      return exchange.problem(parameterProblem('capsule', capsule, 'true or false', 'leave it out, or write capsule=true'))
    const decision = await this.#engine.findDecision(id)
    if (decision === undefined)
      return exchange.problem(
        problem('decision-not-found', `nothing was decided at ${id} so far; an application just sent may take a moment`),
      )
    exchange.json(200, JSON.stringify(capsule === 'true' ? publicCapsule(decision) : publicDecision(decision)))
  }

  async features(exchange: Exchange, req: HttpRequest): Promise<void> {
    const id = pathParameter(req)
    if (!APPLICANT.test(id))
      return exchange.problem(parameterProblem('id', id, '1 to 128 letters, digits and . _ : ~ -', 'use the applicantId of an event'))
    const features = await this.#engine.applicantFeatures(id)
    if (features === undefined) return exchange.problem(problem('applicant-not-found', 'no event of this applicant has been seen'))
    const asOf = features.asOf === null ? null : new Date(features.asOf).toISOString()
    exchange.json(200, JSON.stringify({ ...features, asOf }))
  }

  async models(exchange: Exchange): Promise<void> {
    const models = await this.#engine.models()
    exchange.json(200, JSON.stringify({ models: models.map(modelJson) }))
  }

  /** The process lives and its loop turns; says nothing of its dependencies. */
  health(exchange: Exchange): void {
    exchange.json(200, '{"status":"ok"}')
  }

  async ready(exchange: Exchange): Promise<void> {
    const readiness = await this.#engine.readiness()
    exchange.json(readiness.ready ? 200 : 503, JSON.stringify(readiness))
  }

  async metrics(exchange: Exchange): Promise<void> {
    exchange.send(200, 'text/plain; version=0.0.4; charset=utf-8', (await this.#engine.metrics()) + countersText(this.#counters))
  }
}
