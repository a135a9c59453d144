/** An event log in memory, for tests of those who read and append through the port. */
import type { AppendRecord, EventLog, LogRecord, Topic } from '#streams/ports.ts'
import { epochMs } from '#schemas/units.ts'

export class MemoryLog implements EventLog {
  readonly #partitions: number
  readonly #topics = new Map<Topic, LogRecord[][]>()
  readonly #listeners = new Map<Topic, Set<() => void>>()
  readonly #starts = new Map<Topic, number[]>()

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  #of(topic: Topic): LogRecord[][] {
    let logs = this.#topics.get(topic)
    if (logs === undefined) this.#topics.set(topic, (logs = Array.from({ length: this.#partitions }, () => [])))
    return logs
  }

  partitions(_topic: Topic): number {
    return this.#partitions
  }

  start(topic: Topic): readonly number[] {
    return this.#starts.get(topic) ?? this.#of(topic).map(() => 0)
  }

  end(topic: Topic): readonly number[] {
    return this.#of(topic).map((records) => records.length)
  }

  /** Synchronous append; `append` is this behind a promise. */
  put(topic: Topic, partition: number, value: Uint8Array): number {
    const records = this.#of(topic)[partition]
    if (records === undefined) throw new RangeError(`no partition ${partition}`)
    const offset = records.length
    records.push({ partition, offset, appendedAt: epochMs(offset), key: new Uint8Array(0), value })
    for (const listener of this.#listeners.get(topic) ?? []) queueMicrotask(listener)
    return offset
  }

  append(topic: Topic, records: readonly AppendRecord[]): Promise<readonly number[]> {
    return Promise.resolve(records.map(({ partition, value }) => this.put(topic, partition, value)))
  }

  read(topic: Topic, partition: number, offset: number, bytesMax: number): Promise<readonly LogRecord[]> {
    const out: LogRecord[] = []
    let bytes = 0
    for (const record of this.#of(topic)[partition]?.slice(offset) ?? []) {
      if (out.length > 0 && bytes + record.value.length > bytesMax) break
      bytes += record.value.length
      out.push(record)
    }
    return Promise.resolve(out)
  }

  async refresh(): Promise<void> {}

  onAppend(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  release(): void {}

  /** Retention: what lies below is no longer held. */
  trim(topic: Topic, starts: number[]): void {
    this.#starts.set(topic, starts)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
