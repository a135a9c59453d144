/** The log all simulated processes share, and one process's late view of it. */
import { epochMs } from '#schemas/units.ts'
import { T0 } from '../streams/support/embedded.ts'
import type { AppendRecord, EventLog, LogRecord, Topic } from '#streams/ports.ts'
import type { Line } from './line.ts'
import type { Scheduler } from './scheduler.ts'

/** A broker's own records take offsets too. */
const HOLES = 0.03
/** News of an append travels this long at most. */
const NEWS_MS_MAX = 4

export class SharedLog {
  readonly partitions: number
  readonly #scheduler: Scheduler
  readonly #topics = new Map<Topic, { records: LogRecord[][]; ends: number[] }>()
  readonly #watchers = new Set<(topic: Topic, record: LogRecord) => void>()

  constructor(partitions: number, scheduler: Scheduler) {
    this.partitions = partitions
    this.#scheduler = scheduler
  }

  /** Called with each record the moment it is appended. Returns what ends that. */
  watch(watcher: (topic: Topic, record: LogRecord) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  ends(topic: Topic): number[] {
    return [...this.#of(topic).ends]
  }

  records(topic: Topic, partition: number): readonly LogRecord[] {
    return this.#of(topic).records[partition] as LogRecord[]
  }

  append(topic: Topic, records: readonly AppendRecord[]): number[] {
    const { records: kept, ends } = this.#of(topic)
    const stored = records.map(({ partition, key, value }): LogRecord => {
      if (this.#scheduler.chance(HOLES)) ends[partition] = (ends[partition] as number) + 1
      const offset = ends[partition] as number
      ends[partition] = offset + 1
      const record = { partition, offset, appendedAt: epochMs(T0 + 1_000_000 + Math.floor(this.#scheduler.nowMs)), key, value }
      ;(kept[partition] as LogRecord[]).push(record)
      return record
    })
    for (const record of stored) for (const watcher of [...this.#watchers]) watcher(topic, record)
    return stored.map(({ offset }) => offset)
  }

  read(topic: Topic, partition: number, offset: number): readonly LogRecord[] {
    const records = this.records(topic, partition)
    const from = records.findIndex((record) => record.offset >= offset)
    return from < 0 ? [] : records.slice(from, from + 1 + Math.floor(this.#scheduler.random() * 6))
  }

  #of(topic: Topic): { records: LogRecord[][]; ends: number[] } {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const fresh = { records: Array.from({ length: this.partitions }, () => []), ends: Array.from({ length: this.partitions }, () => 0) }
    this.#topics.set(topic, fresh)
    return fresh
  }
}

/** The port, as one process sees it through its line. */
export const logOver = (line: Line, log: SharedLog, scheduler: Scheduler): EventLog => {
  const views = new Map<Topic, number[]>()
  const listeners = new Map<Topic, Set<() => void>>()
  const viewOf = (topic: Topic): number[] => {
    const known = views.get(topic)
    if (known !== undefined) return known
    const fresh = log.ends(topic)
    views.set(topic, fresh)
    return fresh
  }
  const see = (topic: Topic, partition: number, end: number): void => {
    const view = viewOf(topic)
    view[partition] = Math.max(view[partition] as number, end)
  }
  log.watch((topic, { partition, offset }) => {
    if (!views.has(topic)) return
    scheduler.after(scheduler.random() * NEWS_MS_MAX, () =>
      line.deliver(() => {
        see(topic, partition, offset + 1)
        for (const listener of listeners.get(topic) ?? []) listener()
      }),
    )
  })
  return {
    partitions: () => log.partitions,
    start: () => Array.from({ length: log.partitions }, () => 0),
    end: (topic) => viewOf(topic),
    append: (topic, records) => line.call((reach) => log.append(topic, records.slice(0, Math.ceil(reach * records.length)))),
    read: (topic, partition, offset) => line.call(() => log.read(topic, partition, offset)),
    refresh: (topic, partitions) =>
      line
        .call(() => log.ends(topic))
        .then((ends) => {
          for (const partition of partitions) see(topic, partition, ends[partition] as number)
        }),
    onAppend(topic, listener) {
      viewOf(topic)
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set.add(listener))
      return () => set.delete(listener)
    },
    release: () => {},
    close: () => Promise.resolve(),
  }
}
