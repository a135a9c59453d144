/**
 * Request → training → gates → promotion or refusal. Follows the topic `model-events` for requests that have no answer yet, trains one
 * successor at a time in a process of its own, and records every step on the same topic. A restart takes up what was left unanswered.
 */
import { join } from 'node:path'
import { failedGates } from '#registry/gate-report.ts'
import { parseReference } from '#registry/model-reference.ts'
import type { ModelEvent, RetrainRequested } from '#schemas/monitoring-events.ts'
import type { Logger } from '#streams/logger.ts'
import type { Clock, EventLog } from '#streams/ports.ts'
import { type LiveParity, liveParityGate } from '#training/gates/live-parity-gate.ts'
import { appendModelEvent, ModelEventReader } from './model-events.ts'
import { doRegistryTask } from './registry-desk.ts'
import { startTraining, type TrainingBudget, type TrainingChild } from './training-child.ts'
import type { TrainedSuccessor, TrainingMessage, TrainingOrder } from './training-order.ts'

/** How soon a process that now leads takes up what was asked of another. */
const LEAD_LOOK_MS = 1_000

export interface RetrainLoopParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  readonly order: Omit<TrainingOrder, 'champion' | 'requestId' | 'inputOffsets' | 'maturedBy'>
  readonly budget: TrainingBudget
  /** Whether a successor that passes every gate is promoted by the gate, or waits for a person. */
  readonly promotion: 'manual' | 'gated'
  /** The model that decides now, name@version. */
  readonly champion: () => string
  /** What the parity meter found lately; undefined where none runs. */
  readonly liveParity: () => LiveParity | undefined
  /** Largest share of live feature values that may differ from what the events say. */
  readonly parityBudget: number
  /** Whether this process answers: of engines that share a log one does at a time. */
  readonly leads: () => boolean
  /** Told when a training begins: makes ready what will take its successor up. Returns how to let go of it. */
  readonly makeReady?: () => () => void
  /** An alias moved or a bundle was published: whoever follows the registry looks at once. */
  readonly changed: () => Promise<void>
}

export type RetrainStatus =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'training'
      readonly requestId: string
      readonly stage: string
      readonly done: number | null
      readonly total: number | null
    }

/** Requests in order, those answered taken out. */
class OpenRequests {
  readonly #open = new Map<string, RetrainRequested>()

  see(event: ModelEvent): void {
    switch (event.kind) {
      case 'retrain-requested':
        this.#open.set(event.requestId, event)
        break
      case 'model-trained':
      case 'training-failed':
        if (event.requestId !== null) this.#open.delete(event.requestId)
        break
      case 'model-promoted':
      case 'model-refused':
      case 'model-activated':
        break
      default:
        event satisfies never
    }
  }

  /** The newest; those before it are returned as superseded. */
  take(): { readonly next: RetrainRequested | undefined; readonly superseded: readonly RetrainRequested[] } {
    const all = [...this.#open.values()]
    return { next: all.at(-1), superseded: all.slice(0, -1) }
  }
}

export class RetrainLoop {
  readonly #parts: RetrainLoopParts
  readonly #reader: ModelEventReader
  readonly #open = new OpenRequests()
  #child: TrainingChild | undefined
  #status: RetrainStatus = { kind: 'idle' }
  #stopListening = (): void => {}
  #running: Promise<void> | undefined
  #later: NodeJS.Timeout | undefined
  #stopped = false
  #news = false

  constructor(parts: RetrainLoopParts) {
    this.#parts = parts
    this.#reader = new ModelEventReader(parts.log)
  }

  get status(): RetrainStatus {
    return this.#status
  }

  start(): void {
    this.#stopListening = this.#parts.log.onAppend('model-events', () => this.#wake())
    this.#wake()
  }

  /** Ends a training under way; its request stays open and is taken up by the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening()
    clearTimeout(this.#later)
    await this.#child?.stop()
    await this.#running
  }

  #wake(): void {
    this.#news = true
    this.#running ??= this.#work().finally(() => (this.#running = undefined))
  }

  /** What is open stays so while another process leads, and becomes this one's where that goes away. */
  #lookAgain(): void {
    clearTimeout(this.#later)
    if (!this.#stopped) this.#later = setTimeout(() => this.#wake(), LEAD_LOOK_MS).unref()
  }

  /** Until nothing is open and nothing new was appended. */
  async #work(): Promise<void> {
    try {
      while (this.#news && !this.#stopped) {
        this.#news = false
        for (const event of await this.#reader.read()) this.#open.see(event)
        const { next, superseded } = this.#open.take()
        if (next === undefined) continue
        if (!this.#parts.leads()) return this.#lookAgain()
        for (const { requestId } of superseded) await this.#fail(requestId, 'superseded', 'a newer request came before training began')
        // What the answer appends is news again: the loop looks once more after it.
        await this.#answer(next)
      }
    } catch (err) {
      this.#parts.logger.error({ err }, 'the retraining loop stopped; it goes on with the next model event')
    } finally {
      this.#status = { kind: 'idle' }
    }
  }

  async #answer(request: RetrainRequested): Promise<void> {
    const { order, budget, logger, champion, leads } = this.#parts
    const { requestId, inputOffsets, requestedAt } = request
    logger.info({ requestId, cause: request.cause, features: request.features }, 'training a successor')
    this.#show(requestId, { kind: 'progress', stage: 'starting', done: null, total: null })
    const against = champion()
    const letGo = this.#parts.makeReady?.()
    const child = startTraining({ ...order, champion: against, requestId, inputOffsets, maturedBy: requestedAt }, budget, (told) =>
      this.#show(requestId, told),
    )
    this.#child = child
    try {
      const outcome = await child.outcome
      this.#child = undefined
      if (this.#stopped) return
      // Whoever leads now trains on its own.
      if (!leads()) return this.#lookAgain()
      if (outcome.kind === 'failed') await this.#fail(requestId, outcome.code, outcome.detail)
      else await this.#conclude(request, against, outcome)
    } finally {
      letGo?.()
    }
  }

  #show(requestId: string, { stage, done, total }: Extract<TrainingMessage, { kind: 'progress' }>): void {
    this.#status = { kind: 'training', requestId, stage, done, total }
  }

  async #fail(requestId: string, code: string, detail: string): Promise<void> {
    const { log, clock, logger } = this.#parts
    logger.error({ requestId, code }, `no successor was trained: ${detail}`)
    await this.#append(
      { kind: 'training-failed', requestId, failedAt: clock.now(), code: code.slice(0, 64), detail: detail.slice(0, 1_024) },
      log,
    )
  }

  async #append(event: ModelEvent, log: EventLog): Promise<void> {
    await appendModelEvent(log, event)
    this.#open.see(event)
  }

  async #conclude({ requestId }: RetrainRequested, against: string, trained: TrainedSuccessor): Promise<void> {
    const { log, clock, logger, order, promotion, changed, liveParity, parityBudget } = this.#parts
    const { modelVersion } = trained
    // Judged last: of what is live at this moment.
    const gates = [...trained.gates, liveParityGate(liveParity(), parityBudget)]
    const { name, selector: version } = parseReference(modelVersion)
    const at = clock.now()
    const directory = join(order.modelsDir, name, version)
    await doRegistryTask({ kind: 'report', directory, report: { against, judgedAt: at, requestId, gates } })
    await this.#append({ kind: 'model-trained', modelVersion, parentVersion: against, requestId, trainedAt: at, gates }, log)
    const failed = failedGates({ gates })
    const { cpuSeconds, wallSeconds, library, rows } = trained
    logger.info(
      { requestId, modelVersion, cpuSeconds, wallSeconds, library, rows, failed: failed.map(({ gate }) => gate) },
      'successor judged',
    )
    if (failed.length > 0) {
      const detail = failed
        .map((gate) => `${gate.gate}: ${gate.detail}`)
        .join('; ')
        .slice(0, 1_024)
      await this.#append({ kind: 'model-refused', modelVersion, requestId, refusedAt: clock.now(), gates, detail }, log)
    } else if (modelVersion === against) {
      logger.warn({ requestId, modelVersion }, 'the successor is the champion to the byte; nothing is promoted')
    } else if (promotion === 'gated') {
      const open = gates.filter(({ state }) => state !== 'passed').length
      const reason = `${gates.length - open} of ${gates.length} gates passed, none failed: ${gates.map((gate) => gate.detail).join('; ')}`
      const by = { actor: 'gate', reason, at: clock.now(), requestId }
      await doRegistryTask({ kind: 'promote', modelsDir: order.modelsDir, name, version, by })
    } else {
      logger.warn({ requestId, modelVersion }, `every gate passed; a person promotes it: scorestream models promote ${version}`)
    }
    await changed()
  }
}
