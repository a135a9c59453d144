/** The engine as the gateway sees it: streams, features, scoring and registry behind the gateway's own ports. */
import type { Engine as GatewayEngine, Readiness } from '#gateway/ports.ts'
import { listModels } from '#registry/list.ts'
import { parseDecisionId } from '#schemas/decision.ts'
import type { EvolvingEngine } from '#streams/evolution/evolving-engine.ts'
import { findDecision } from '#streams/find-decision.ts'
import { findOriginal } from '#streams/find-original.ts'
import type { Ingest } from '#streams/ingest.ts'
import type { EventLog } from '#streams/ports.ts'
import type { RecentDecisions } from '#streams/recent-decisions.ts'
import type { Waiters } from '#streams/waiters.ts'
import type { Config } from './config.ts'
import { askWhatIf, readFeatures } from './what-if.ts'

export interface GatewayEngineParts {
  readonly config: Config
  readonly engine: EvolvingEngine
  readonly log: EventLog
  readonly ingest: Ingest
  readonly waiters: Waiters
  /** Decisions of all processes lately. */
  readonly recent: RecentDecisions
  readonly readiness: () => Promise<Readiness>
  readonly metrics: () => Promise<string>
}

export const gatewayEngine = (parts: GatewayEngineParts): GatewayEngine => {
  const { config, engine, log, ingest, waiters, recent, metrics, readiness } = parts
  return {
    ingest: (events) => ingest.ingest(events),
    deadLetter: (bytes, rejection) => ingest.deadLetter(bytes, rejection),
    waitForDecision(event, deadlineMs) {
      const waiter = waiters.wait(event, deadlineMs)
      // A retry may come after its decision and reach the log again, where it has no effect: nothing would answer it.
      const known = recent.find(event.applicantId, event.eventId)
      if (known !== undefined) waiters.offer([known])
      return waiter
    },
    async findDecision(id) {
      const position = parseDecisionId(id)
      if (position === undefined) return undefined
      const found = await findDecision(log, position.partition, position.offset)
      return (
        found ?? (await findOriginal(position, { log, entity: (applicant) => engine.entity(applicant), dedupe: engine.settings.dedupe }))
      )
    },
    applicantFeatures: (applicantId) => readFeatures(engine.seat, applicantId),
    whatIf: (application, overlays) => askWhatIf(engine.seat, application, overlays),
    models: async () => listModels(config.models.dir),
    metrics,
    readiness,
  }
}
