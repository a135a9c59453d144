/** One batch after another through the stages: fetched, decoded, loaded, folded, scored, published, read back. Operators are subscribed once. */
import { defer, EMPTY, map, merge, Subject, takeWhile, tap, type Observable } from 'rxjs'
import type { Decision } from '#schemas/decision.ts'
import type { EventLog, LogRecord } from '../ports.ts'
import type { Attempts } from './attempts.ts'
import type { Published } from './batch.ts'
import type { LinkedEntities } from '../linked/linked-entities.ts'
import type { EntityCache } from './entity-cache.ts'
import { decodeBatch, fetchPages } from './fetch.ts'
import { foldBatch, loadBatch, loadLinked, type Folded } from './fold-batch.ts'
import { inTurn } from './in-turn.ts'
import type { Lane } from './lane.ts'
import type { Persist } from './persist.ts'
import { publish, readBack, tellLinked } from './publish.ts'
import { scoreBatch, type ScorePorts } from './score-batch.ts'

export interface BatchPorts extends Omit<ScorePorts, 'lastPublishUs'> {
  readonly log: EventLog
  readonly cache: EntityCache
  readonly linked: LinkedEntities | undefined
  readonly attempts: Attempts
  readonly persist: Persist
  readonly lanes: () => readonly Lane[]
  /** Resolves once there is something to fetch; false ends the stream. */
  readonly moreToDo: () => Promise<boolean>
  /** Commits all that was done before: the batch's single event threw earlier and may throw again. */
  readonly flush: () => Promise<void>
  /** The batch is read back and the lanes have moved; the next one waits for what this returns. */
  readonly done: (batch: BatchDone) => void | Promise<void>
  readonly progressed: () => void
}

/** What a batch came to. */
export interface BatchDone {
  readonly folded: Folded
  /** Those believed, as read back from the log. */
  readonly decisions: readonly Decision[]
}

/** Begins when subscribed to, with nothing left over from an earlier subscription. */
export const batchesOf = (ports: BatchPorts): Observable<unknown> =>
  defer(() => {
    const { attempts } = ports
    const publishing = new Publishing(ports)
    const fetching = {
      ...ports,
      isPoison: (record: LogRecord) => attempts.isPoison(record),
      isSuspect: (record: LogRecord) => attempts.isSuspect(record),
    }
    const scoring = { ...ports, lastPublishUs: () => publishing.lastUs }
    let turn = 0
    const turns = new Subject<void>()
    const done = turns.pipe(
      inTurn(() => ports.moreToDo()),
      takeWhile((more) => more),
      inTurn(() => fetchPages(ports.lanes(), turn++, fetching)),
      map((pages) => decodeBatch(pages, fetching)),
      inTurn((batch) => (batch.suspect ? ports.flush().then(() => batch) : batch)),
      inTurn((batch) => loadBatch(batch, fetching)),
      inTurn((batch) => loadLinked(batch, fetching)),
      map((batch) => foldBatch(batch, fetching)),
      map((folded): [Folded, readonly Published[]] => [folded, scoreBatch(folded, scoring)]),
      inTurn(([folded, published]) => publishing.publish(folded, published)),
      inTurn((batch) => ports.done(batch)),
      tap(() => ports.progressed()),
      tap(() => turns.next()),
    )
    const first = defer(() => {
      turns.next()
      return EMPTY
    })
    return merge(done, first)
  })

const NOTHING: readonly Decision[] = []

class Publishing {
  readonly #ports: BatchPorts
  /** Microseconds that appending and reading back took last time. */
  lastUs = 0

  constructor(ports: BatchPorts) {
    this.#ports = ports
  }

  publish(folded: Folded, published: readonly Published[]): BatchDone | Promise<BatchDone> {
    if (published.length + folded.rejected.length + folded.rerouted.length + folded.told.length === 0) return advanced(folded, NOTHING)
    return this.#append(folded, published)
  }

  async #append(folded: Folded, published: readonly Published[]): Promise<BatchDone> {
    const { monotonicUs } = this.#ports
    const started = monotonicUs()
    const offsets = await publish(folded, published, this.#ports)
    const decisions = await readBack(published, offsets, this.#ports)
    if (published.length > 0) this.lastUs = monotonicUs() - started
    await tellLinked(folded.told, this.#ports)
    return advanced(folded, decisions)
  }
}

/** What the batch promised is readable: its events are done with. */
const advanced = (folded: Folded, decisions: readonly Decision[]): BatchDone => {
  for (const [lane, next] of folded.batch.next) lane.next = next
  return { folded, decisions }
}
