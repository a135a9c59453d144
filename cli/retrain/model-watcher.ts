/**
 * Keeps a running engine on the model that the registry names: follows the alias, loads what it points to, exchanges it between two batches,
 * and tells the topic `model-events` of every recorded move and of every exchange.
 */
import { join } from 'node:path'
import { readAlias } from '#registry/alias-file.ts'
import { isAlias, parseReference } from '#registry/model-reference.ts'
import { readPromotions, type Promotion } from '#registry/promotion-ledger.ts'
import { resolve } from '#registry/resolve.ts'
import type { Scorer } from '#scoring/scorer.ts'
import type { ModelEvent, ModelPromoted } from '#schemas/monitoring-events.ts'
import { epochMs } from '#schemas/units.ts'
import type { Engine } from '#streams/engine.ts'
import type { Logger } from '#streams/logger.ts'
import type { Clock, EventLog } from '#streams/ports.ts'
import { type SwappableDecider, swapBetweenBatches } from '#streams/swappable-decider.ts'
import type { SetChange } from '../evolution/set-change.ts'
import { appendModelEvent, ModelEventReader } from './model-events.ts'
import { doRegistryTask } from './registry-desk.ts'

/** How often alias and ledger are looked at: a promotion is in force within a quarter of a second and the load. */
const POLL_MS = 250

export interface ModelWatcherParts {
  readonly modelsDir: string
  /** Model that decides, name@alias; one pinned to a version never changes. */
  readonly reference: string
  readonly engine: Pick<Engine, 'betweenBatches' | 'positions'>
  /** What decides now. */
  readonly decider: () => SwappableDecider
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  /** A verified scorer of the bundle in this directory. */
  readonly load: (bundleDir: string) => Promise<Scorer>
  /** Told which bundle decides, whenever that changes. */
  readonly inForce?: (modelVersion: string) => void
  /** Takes the engine to a bundle of another feature set; where absent, such a bundle is refused. */
  readonly setChange?: Pick<SetChange, 'begin' | 'callOff'>
  /** The registry changed: models were published or aliases moved. */
  readonly changed: () => Promise<void>
}

const promotedKey = (alias: string, version: string, at: number): string => `${alias} ${version} ${at}`

const asEvent = ({ name, alias, version, previousVersion, requestId, actor, reason, at }: Promotion): ModelPromoted => ({
  kind: 'model-promoted',
  modelVersion: `${name}@${version}`,
  previousVersion: previousVersion === null ? null : `${name}@${previousVersion}`,
  alias,
  requestId,
  promotedAt: epochMs(at),
  actor,
  reason: reason.slice(0, 1_024),
})

export class ModelWatcher {
  readonly #parts: ModelWatcherParts
  readonly #told = new Set<string>()
  readonly #name: string
  #refused: string | undefined
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(parts: ModelWatcherParts) {
    this.#parts = parts
    this.#name = parseReference(parts.reference).name
  }

  /** Learns what was told before, tells what happened while no engine ran, and begins to follow. */
  async start(): Promise<void> {
    for (const event of await new ModelEventReader(this.#parts.log).read()) this.#remember(event)
    await this.look()
    this.#again()
  }

  /** Waits for a load or exchange under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#turn
  }

  /** One look at the registry; also called by whoever has just changed it. */
  look(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look())
    return this.#turn
  }

  #again(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.look().finally(() => this.#again()), POLL_MS).unref()
  }

  #remember(event: ModelEvent): void {
    if (event.kind === 'model-promoted')
      this.#told.add(promotedKey(event.alias, event.modelVersion.slice(event.modelVersion.indexOf('@') + 1), event.promotedAt))
  }

  async #look(): Promise<void> {
    const { logger } = this.#parts
    try {
      await this.#tellMoves()
      await this.#follow()
    } catch (err) {
      logger.error({ err }, 'the model registry could not be followed; the present model goes on deciding')
    }
  }

  async #tellMoves(): Promise<void> {
    const { modelsDir, log, changed } = this.#parts
    const moves = readPromotions(modelsDir, this.#name).filter(({ alias, version, at }) => !this.#told.has(promotedKey(alias, version, at)))
    for (const move of moves) {
      const event = asEvent(move)
      await appendModelEvent(log, event)
      this.#remember(event)
    }
    if (moves.length > 0) await changed()
  }

  /** One small file is read; the bundle itself only where it is another one. */
  #pointsTo(): string {
    const { modelsDir, reference } = this.#parts
    const { name, selector } = parseReference(reference)
    if (!isAlias(selector)) return selector
    return readAlias(join(modelsDir, name), selector) ?? resolve(modelsDir, reference).version
  }

  async #follow(): Promise<void> {
    const { modelsDir, reference, engine, logger, load, setChange } = this.#parts
    const decider = this.#parts.decider()
    const wanted = `${this.#name}@${this.#pointsTo()}`
    if (wanted === this.#refused) return
    if (wanted === decider.modelVersion) {
      this.#refused = undefined
      // The alias went elsewhere and came back.
      await setChange?.callOff()
      return
    }
    // Cleared again on success: a bundle that is refused is not tried again until the alias moves.
    this.#refused = wanted
    const { directory, featureSetHash } = await doRegistryTask({ kind: 'resolve', modelsDir, reference })
    const previousVersion = decider.modelVersion
    if (setChange !== undefined && featureSetHash !== decider.featureSetHash)
      return setChange.begin({ directory, modelVersion: wanted, featureSetHash }, async (previous, offsets) => {
        await this.#tellActivated(wanted, previous, new Map(offsets.entries()))
        await this.#parts.changed()
      })
    await setChange?.callOff()
    const offsets = await swapBetweenBatches(engine, decider, await load(directory))
    this.#refused = undefined
    logger.info({ from: previousVersion, to: wanted }, 'another model decides from here on')
    await this.#tellActivated(wanted, previousVersion, offsets)
  }

  async #tellActivated(modelVersion: string, previousVersion: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const { log, clock, inForce } = this.#parts
    inForce?.(modelVersion)
    await appendModelEvent(log, {
      kind: 'model-activated',
      modelVersion,
      previousVersion,
      activatedAt: clock.now(),
      // A partition of another process is not this engine's to name: an offset that no record reaches.
      inputOffsets: Array.from(
        { length: log.partitions('credit-events') },
        (_, partition) => offsets.get(partition) ?? Number.MAX_SAFE_INTEGER,
      ),
    })
  }
}
