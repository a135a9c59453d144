/** Hands decisions to the tracer where the configuration names a collector; elsewhere the SDK is not even loaded. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { EngineFace } from '#streams/engine-face.ts'
import type { EventLog } from '#streams/ports.ts'
import { PROJECT_ROOT } from './project.ts'
import type { Tracing } from './tracing-settings.ts'

interface Traced {
  readonly engine: EngineFace
  readonly log: EventLog
  readonly logger: Logger
}

/** Resolves with what ends it. Traces are no reason to fail, nor to wait. */
export const traceDecisions = async ({ endpoint, share }: Tracing, { engine, log, logger }: Traced): Promise<() => Promise<void>> => {
  if (endpoint === null) return async () => {}
  const { version } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string }
  const { openTracer } = await import('./tracing.ts')
  const tracer = openTracer({ endpoint, share }, log, version)
  engine.decisions.subscribe((batch) => void tracer.offer(batch).catch((err: unknown) => logger.warn({ err }, 'not traced')))
  return () => tracer.close().catch(() => {})
}
