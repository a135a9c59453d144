/** The engine as the gateway sees it: streams, features, scoring and registry behind the gateway's own ports. */
import { creditFeatureSet } from '#features/credit-v1.ts'
import type { Engine as GatewayEngine, Readiness } from '#gateway/ports.ts'
import { listModels } from '#registry/list.ts'
import { parseDecisionId } from '#schemas/decision.ts'
import type { Engine } from '#streams/engine.ts'
import { findDecision } from '#streams/find-decision.ts'
import type { Ingest } from '#streams/ingest.ts'
import type { Decider, EventLog } from '#streams/ports.ts'
import type { Waiters } from '#streams/waiters.ts'
import type { Config } from './config.ts'
import type { WarehouseStatus } from './warehouse-supervisor.ts'
import { askWhatIf, readFeatures } from './what-if.ts'

/** More events than this not yet folded: sent elsewhere, a caller would be answered sooner. */
const LAG_READY_MAX = 100_000

export interface GatewayEngineParts {
  readonly config: Config
  readonly engine: Engine
  readonly log: EventLog
  readonly ingest: Ingest
  readonly waiters: Waiters
  readonly decider: Decider
  readonly warehouse: () => WarehouseStatus | undefined
  readonly metrics: () => Promise<string>
}

const readiness = ({ engine, warehouse }: GatewayEngineParts): Readiness => {
  const lag = engine.lag().reduce((sum, one) => sum + one, 0)
  const status = warehouse()
  const checks = [
    { name: 'engine', ok: engine.running, detail: engine.running ? 'owns its partitions' : 'stopped' },
    { name: 'lag', ok: lag <= LAG_READY_MAX, detail: `${lag} events not folded yet` },
    // The warehouse only grows its lag while it is away: decisions do not wait for it.
    { name: 'warehouse', ok: true, detail: status === undefined ? 'off' : `${status.state}, ${status.lag} records behind` },
  ]
  return { ready: checks.every((check) => check.ok), checks }
}

export const gatewayEngine = (parts: GatewayEngineParts): GatewayEngine => {
  const { config, engine, log, ingest, waiters, decider, metrics } = parts
  return {
    ingest: (events) => ingest.ingest(events),
    deadLetter: (bytes, rejection) => ingest.deadLetter(bytes, rejection),
    waitForDecision: (event, deadlineMs) => waiters.wait(event, deadlineMs),
    async findDecision(id) {
      const position = parseDecisionId(id)
      return position === undefined ? undefined : await findDecision(log, position.partition, position.offset)
    },
    applicantFeatures: (applicantId) => readFeatures(engine, creditFeatureSet, applicantId),
    whatIf: (application, overlays) => askWhatIf(engine, creditFeatureSet, decider, application, overlays),
    models: async () => listModels(config.models.dir),
    metrics,
    readiness: () => readiness(parts),
  }
}
