/**
 * Traces of decisions over OTLP/HTTP. A span is made of what the decision's envelope says, after it was read back: the hot path knows
 * nothing of it. Which decisions are traced is settled before a span is made (an unsampled one would cost a microsecond): those whose
 * event carries a sampled `traceparent`, and a share of the rest.
 */
import { ROOT_CONTEXT, SpanKind, trace, TraceFlags, type Context, type Tracer } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { decisionId, type Decision, type Stages } from '#schemas/decision.ts'
import { applicationIn, inputOf } from '#streams/input.ts'
import type { EventLog } from '#streams/ports.ts'
import type { Tracing } from './tracing-settings.ts'

/** Spans that wait for the collector: beyond it they are dropped, the engine never waits. */
const QUEUE_MAX = 2_048
/** A collector that does not answer holds an ending engine up no longer. */
const TIMEOUT_MS = 2_000
/** Decisions of one batch looked at: more at once are a backlog, of which a sample says as much. */
const LOOKED_AT_MAX = 256
const PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const NO_TRACE = /^0+$/

/** In the order of an application's way; each begins where the one before ended. */
const STAGES: readonly (readonly [keyof Stages, string])[] = [
  ['queueUs', 'queue'],
  ['decodeUs', 'decode'],
  ['stateUs', 'load state'],
  ['foldUs', 'fold'],
  ['scoreUs', 'score'],
  ['explainUs', 'explain'],
  ['policyUs', 'policy'],
  ['publishUs', 'publish'],
]

/** The caller's context, or undefined where it sent none or an invalid one. */
export const parentOf = (traceparent: string | undefined): { readonly context: Context; readonly sampled: boolean } | undefined => {
  const [, traceId = '', spanId = '', flags = ''] = PARENT.exec(traceparent ?? '') ?? []
  if (traceId === '' || NO_TRACE.test(traceId) || NO_TRACE.test(spanId)) return undefined
  const sampled = (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) !== 0
  const context = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
  return { context, sampled }
}

/** The same decision is always traced, or never: a share of the capsules' hashes, which are uniform. */
const isChosen = ({ capsuleHash }: Decision, share: number): boolean => Number.parseInt(capsuleHash.slice(0, 8), 16) < share * 2 ** 32

const milliseconds = (micros: number): [seconds: number, nanos: number] => [Math.floor(micros / 1e6), Math.round((micros % 1e6) * 1e3)]

/** One span for the decision and one for each stage. Nothing in them says anything of a person. */
const record = (tracer: Tracer, { body, envelope }: Decision, parent: Context): void => {
  const total = STAGES.reduce((sum, [stage]) => sum + envelope.stages[stage], 0)
  const endUs = envelope.decidedAt * 1000 + envelope.stages.publishUs
  const whole = tracer.startSpan(
    'decide',
    {
      kind: SpanKind.CONSUMER,
      startTime: milliseconds(endUs - total),
      attributes: {
        'scorestream.decision_id': decisionId(body.partition, body.offset),
        'scorestream.decision': body.decision,
        'scorestream.model_version': body.modelVersion,
        'scorestream.policy_version': body.policyVersion,
        'scorestream.degraded': body.degraded ?? 'no',
        'messaging.destination.partition.id': String(body.partition),
        'messaging.kafka.offset': body.offset,
      },
    },
    parent,
  )
  const inside = trace.setSpan(parent, whole)
  let at = endUs - total
  for (const [stage, name] of STAGES) {
    const span = tracer.startSpan(name, { startTime: milliseconds(at) }, inside)
    at += envelope.stages[stage]
    span.end(milliseconds(at))
  }
  whole.end(milliseconds(endUs))
}

export interface DecisionTracer {
  offer(decisions: readonly Decision[]): Promise<void>
  /** Sends what waits. */
  close(): Promise<void>
}

/** This file is loaded only where something is traced: the SDK is large. */
export const openTracer = (
  { endpoint, share }: Tracing & { readonly endpoint: string },
  log: EventLog,
  version: string,
): DecisionTracer => {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'scorestream', 'service.version': version }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: endpoint, timeoutMillis: TIMEOUT_MS }), maxQueueSize: QUEUE_MAX }),
    ],
  })
  const tracer = provider.getTracer('scorestream')
  const traceparentOf = async ({ body }: Decision): Promise<string | undefined> => {
    const [record] = await log.read('credit-events', body.partition, body.offset, 1)
    return record?.offset === body.offset ? applicationIn(record, inputOf(log))?.traceparent : undefined
  }
  return {
    async offer(decisions) {
      for (const decision of decisions.slice(0, LOOKED_AT_MAX)) {
        const parent = parentOf(await traceparentOf(decision))
        if (parent?.sampled === true || (parent === undefined && isChosen(decision, share)))
          record(tracer, decision, parent?.context ?? ROOT_CONTEXT)
      }
    },
    close: () => provider.shutdown(),
  }
}
