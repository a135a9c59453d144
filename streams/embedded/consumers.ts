/** Released offsets of named consumers: one small JSON file each, replaced atomically, so that other processes may write theirs. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TerminalFailure } from '../failure.ts'

const FLUSH_AFTER_MS = 500

export class ConsumerOffsets {
  readonly #folder: string
  readonly #partitions: number
  readonly #own = new Map<string, readonly number[]>()
  readonly #unwritten = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(topicFolder: string, partitions: number) {
    this.#folder = join(topicFolder, 'consumers')
    this.#partitions = partitions
  }

  /** Takes effect at once in this process and is written within half a second, or at {@link flush}. */
  release(consumer: string, offsets: readonly number[]): void {
    if (!/^[a-z0-9-]{1,64}$/.test(consumer)) throw new RangeError(`a consumer's name is 1–64 of a–z, 0–9 and "-", got "${consumer}"`)
    if (offsets.length !== this.#partitions)
      throw new RangeError(`consumer "${consumer}" released ${offsets.length} offsets, the topic has ${this.#partitions} partitions`)
    this.#own.set(consumer, [...offsets])
    this.#unwritten.add(consumer)
    this.#flushSoon()
  }

  /** Writes what is due. What a full disk refuses is tried again; until then the older file stands, and retention keeps more than it must. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      if (this.#unwritten.size > 0) mkdirSync(this.#folder, { recursive: true })
      for (const consumer of this.#unwritten) {
        const path = join(this.#folder, `${consumer}.json`)
        writeFileSync(`${path}.new`, `${JSON.stringify({ consumer, offsets: this.#own.get(consumer) })}\n`)
        renameSync(`${path}.new`, path)
        this.#unwritten.delete(consumer)
      }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
      this.#flushSoon()
    }
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref()
  }

  /** Everybody's released offsets, other processes' included. */
  all(): Map<string, readonly number[]> {
    const out = new Map<string, readonly number[]>()
    for (const name of filesIn(this.#folder)) out.set(name.slice(0, -5), this.#parse(join(this.#folder, name)))
    for (const [consumer, offsets] of this.#own) out.set(consumer, offsets)
    return out
  }

  #parse(path: string): readonly number[] {
    const offsets: unknown = (JSON.parse(readFileSync(path, 'utf8')) as { offsets?: unknown }).offsets
    if (Array.isArray(offsets) && offsets.length === this.#partitions && offsets.every((o) => Number.isSafeInteger(o) && o >= 0))
      return offsets as number[]
    throw new TerminalFailure(
      'directory-mismatch',
      `${path} does not hold ${this.#partitions} offsets; delete it if its consumer is gone, or let the consumer write it anew`,
    )
  }
}

const filesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}
