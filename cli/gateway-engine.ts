/** The engine as the gateway sees it: streams, features, scoring and registry behind the gateway's own ports. */
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { Engine as GatewayEngine, Readiness } from '#gateway/ports.ts'
import { listModels } from '#registry/list.ts'
import type { Scorer } from '#scoring/scorer.ts'
import { parseDecisionId } from '#schemas/decision.ts'
import type { Engine } from '#streams/engine.ts'
import { findDecision } from '#streams/find-decision.ts'
import type { Ingest } from '#streams/ingest.ts'
import type { EventLog } from '#streams/ports.ts'
import type { Waiters } from '#streams/waiters.ts'
import type { Config } from './config.ts'
import { askWhatIf, readFeatures } from './what-if.ts'

export interface GatewayEngineParts {
  readonly config: Config
  readonly engine: Engine
  readonly log: EventLog
  readonly ingest: Ingest
  readonly waiters: Waiters
  readonly scorer: Scorer
  readonly readiness: () => Promise<Readiness>
  readonly metrics: () => Promise<string>
}

export const gatewayEngine = (parts: GatewayEngineParts): GatewayEngine => {
  const { config, engine, log, ingest, waiters, scorer, metrics, readiness } = parts
  return {
    ingest: (events) => ingest.ingest(events),
    deadLetter: (bytes, rejection) => ingest.deadLetter(bytes, rejection),
    waitForDecision: (event, deadlineMs) => waiters.wait(event, deadlineMs),
    async findDecision(id) {
      const position = parseDecisionId(id)
      return position === undefined ? undefined : await findDecision(log, position.partition, position.offset)
    },
    applicantFeatures: (applicantId) => readFeatures(engine, creditFeatureSet, applicantId),
    whatIf: (application, overlays) => askWhatIf(engine, creditFeatureSet, scorer, application, overlays),
    models: async () => listModels(config.models.dir),
    metrics,
    readiness,
  }
}
