/** The way of one batch through the stages, as RxJS operators: fetched, decoded, loaded, folded, scored, published, read back. */
import { concatMap, defer, EMPTY, from, map, tap, type Observable } from 'rxjs'
import type { Decision } from '#schemas/decision.ts'
import type { LogRecord } from '../ports.ts'
import type { Attempts } from './attempts.ts'
import type { Published } from './batch.ts'
import type { EntityCache } from './entity-cache.ts'
import { decodeBatch, fetchPages } from './fetch.ts'
import { foldBatch, loadBatch, type Folded } from './fold-batch.ts'
import type { Lane } from './lane.ts'
import type { Persist } from './persist.ts'
import { publish, readBack } from './publish.ts'
import { scoreBatch, type ScorePorts } from './score-batch.ts'
import type { EventLog } from '../ports.ts'

export interface BatchPorts extends Omit<ScorePorts, 'lastPublishUs'> {
  readonly log: EventLog
  readonly cache: EntityCache
  readonly attempts: Attempts
  readonly persist: Persist
  readonly lanes: () => readonly Lane[]
  /** Commits all that was done before: the batch's single event threw earlier and may throw again. */
  readonly flush: () => Promise<void>
}

/** What a batch came to, once its decisions were read back. */
export interface BatchDone {
  readonly folded: Folded
  readonly decisions: readonly Decision[]
}

/** Subscribed to again for each batch; empty where nothing had queued. Moves the lanes' positions as its last step. */
export const batchesOf = (ports: BatchPorts): Observable<BatchDone> => {
  let turn = 0
  let publishUs = 0
  const { attempts, log, monotonicUs, persist } = ports
  const fetching = {
    ...ports,
    isPoison: (record: LogRecord) => attempts.isPoison(record),
    isSuspect: (record: LogRecord) => attempts.isSuspect(record),
  }
  const scoring = { ...ports, lastPublishUs: () => publishUs }
  const publishing = async (folded: Folded, published: readonly Published[]): Promise<BatchDone> => {
    const started = monotonicUs()
    const offsets = await publish(folded, published, { log, persist })
    const decisions = await readBack(published, offsets, { log, persist })
    if (published.length > 0) publishUs = monotonicUs() - started
    return { folded, decisions }
  }
  return defer(() => from(fetchPages(ports.lanes(), turn++, fetching))).pipe(
    concatMap((pages) => (pages.length === 0 ? EMPTY : [pages])),
    map((pages) => decodeBatch(pages, fetching)),
    concatMap((batch) => (batch.suspect ? from(ports.flush()).pipe(map(() => batch)) : [batch])),
    concatMap((batch) => loadBatch(batch, fetching)),
    map((batch) => foldBatch(batch, fetching)),
    map((folded): [Folded, readonly Published[]] => [folded, scoreBatch(folded, scoring)]),
    concatMap(([folded, published]) => publishing(folded, published)),
    tap(({ folded }) => {
      for (const [lane, next] of folded.batch.next) lane.next = next
    }),
  )
}
