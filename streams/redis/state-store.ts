/**
 * Entity states in Redis: one hash a partition, with the position among its fields. Everything that must hold at once is one command or one
 * script on one key, so a single server, a master behind Sentinels and a cluster differ in the connection alone.
 *
 * Redis acknowledges before its disk and its replicas have a write, so after a crash or a failover it may stand at an older position, or at
 * none. That is noticed by the first load or commit, which is refused; the owner then claims anew and folds the log again from where the store
 * stands.
 */
import { RetryableFailure, StaleCommit, TerminalFailure } from '../failure.ts'
import type { CopyableStateStore, RecordPage } from '../checkpoint/ports.ts'
import type { Logger } from '../logger.ts'
import type { PartitionState, StateCommit, StoredAt } from '../ports.ts'
import { CHAIN_START } from '../protocol/commit-ledger.ts'
import { judgeClaim, judgeCommit, judgeLoad, type StoredPosition } from '../protocol/commit-rules.ts'
import { connectRedis, type RedisConnection } from './connection.ts'
import { replaceHash, scanHash } from './copy.ts'
import { partitionKeys } from './partition-key.ts'
import { commitText, parsePosition, POSITION_FIELD, positionText, type StoredPartition } from './position.ts'
import { redisFailure } from './redis-failure.ts'
import { CLAIM, runCommit, runScript } from './scripts.ts'
import type { RedisSettings } from './settings.ts'

export interface RedisStateOptions {
  readonly settings: RedisSettings
  /** Of the input topic; part of the slots' choice. */
  readonly partitions: number
  /** Full hash of the feature set in force, hex. */
  readonly featureSetHash: string
  /** Names the input log these states are a fold of (its topic id), without spaces: states of another one are refused. */
  readonly generation: string
  readonly logger: Logger
}

/** Keys of one load command: a thousand records of about 1 KB are 1 MB, some 2 ms of the server's time. */
const LOAD_KEYS_MAX = 1024
/** Bytes of commits on their way at a time. A partition's own commit is not divided, however large. */
const COMMIT_BYTES_MAX = 16 * 1024 * 1024

/** Connects. Rejects with a terminal failure where credentials or certificates are refused, with a retryable one where nobody answers. */
export const openRedisState = async (options: RedisStateOptions): Promise<CopyableStateStore> =>
  new RedisStateStore(await connectRedis(options.settings, options.logger), options)

class RedisStateStore implements CopyableStateStore {
  readonly #client: RedisConnection
  readonly #keys: readonly string[]
  readonly #generation: string
  /** Commits follow one another: what is on its way is bounded, and their order is the callers'. */
  #last: Promise<void> = Promise.resolve()

  constructor(client: RedisConnection, { settings, featureSetHash, partitions, generation }: RedisStateOptions) {
    if (!/^\S+$/.test(generation)) throw new RangeError(`generation ${JSON.stringify(generation)}: a name without spaces is expected`)
    this.#client = client
    this.#keys = partitionKeys(settings.prefix, featureSetHash, partitions)
    this.#generation = generation
  }

  async claim(partition: number, epoch: number): Promise<PartitionState> {
    const fresh = positionText({ epoch, offset: 0, decisionsOffset: 0, chainHash: CHAIN_START }, -1, this.#generation)
    const { generation, ...stored } = this.#parse(
      partition,
      await this.#try(partition, () => runScript(this.#client, CLAIM, [this.#key(partition)], [epoch, fresh, this.#generation])),
    )
    if (generation !== this.#generation)
      throw new TerminalFailure(
        'state-mismatch',
        `${this.#where(partition)} holds states folded from ${generation}, the input log is ${this.#generation}. Use another state.redis.prefix, or delete the key: state is rebuilt from the log.`,
      )
    if (judgeClaim(stored, epoch) === 'fenced') throw refusal('fenced', partition, stored, `a claim of epoch ${epoch}`)
    return stored
  }

  async load(partition: number, keys: readonly string[], at?: StoredAt): Promise<readonly (Uint8Array | undefined)[]> {
    const pages = Array.from({ length: Math.ceil(keys.length / LOAD_KEYS_MAX) }, (_, n) =>
      this.#loadPage(partition, keys.slice(n * LOAD_KEYS_MAX, (n + 1) * LOAD_KEYS_MAX), at),
    )
    const [only, ...more] = await Promise.all(pages)
    return more.length === 0 ? (only ?? []) : [only ?? [], ...more].flat()
  }

  commit(commits: readonly StateCommit[]): Promise<void> {
    const done = this.#last.then(() => this.#commitInTurn(commits))
    this.#last = done.catch(() => {})
    return done
  }

  async *scan(partition: number): AsyncGenerator<RecordPage> {
    try {
      yield* scanHash(this.#client, this.#key(partition))
    } catch (error) {
      throw redisFailure(error, this.#where(partition))
    }
  }

  async position(partition: number): Promise<PartitionState | undefined> {
    const text = await this.#try(partition, () => this.#client.hget(this.#key(partition), POSITION_FIELD))
    return text === null ? undefined : parsePosition(text, this.#where(partition))
  }

  async replace(partition: number, pages: AsyncIterable<RecordPage>, state: () => PartitionState): Promise<void> {
    const wanted = () => ({ epoch: state().epoch, text: positionText(state(), -1, this.#generation) })
    const found = await this.#try(partition, () => replaceHash(this.#client, this.#key(partition), pages, wanted))
    if (found === wanted().text) return
    const stored = this.#parse(partition, found)
    if (stored.epoch > state().epoch) throw refusal('fenced', partition, stored, `putting back a checkpoint under epoch ${state().epoch}`)
    throw new RetryableFailure('state-unavailable', `${this.#where(partition)}: records written beside it are gone again; it is unchanged`)
  }

  async close(): Promise<void> {
    await this.#last
    this.#client.disconnect()
  }

  async #loadPage(partition: number, keys: readonly string[], at: StoredAt | undefined): Promise<(Uint8Array | undefined)[]> {
    const replies = await this.#try(partition, () => this.#client.hmgetBuffer(this.#key(partition), POSITION_FIELD, ...keys))
    if (at !== undefined) this.#admitLoad(partition, replies[0]?.toString('latin1'), at)
    return replies.slice(1).map((record) => record ?? undefined)
  }

  #admitLoad(partition: number, text: string | undefined, at: StoredAt): void {
    const stored = this.#parse(partition, text)
    const verdict = judgeLoad(stored, at)
    if (verdict !== 'load')
      throw refusal(verdict, partition, stored, `a load by the owner of epoch ${at.epoch} who left it at ${at.offset}`)
  }

  /** Partitions go out together, as many as the bound on bytes allows. */
  async #commitInTurn(commits: readonly StateCommit[]): Promise<void> {
    let underWay: Promise<void>[] = []
    let bytes = 0
    for (const commit of commits) {
      const size = bytesOf(commit)
      if (underWay.length > 0 && bytes + size > COMMIT_BYTES_MAX) {
        await allOf(underWay)
        underWay = []
        bytes = 0
      }
      bytes += size
      underWay.push(this.#commitOne(commit))
    }
    await allOf(underWay)
  }

  async #commitOne(commit: StateCommit): Promise<void> {
    const { partition, from, epoch, states } = commit
    const wanted = commitText(commit, this.#generation)
    const found = await this.#try(partition, () => runCommit(this.#client, this.#key(partition), { from, epoch, records: states, wanted }))
    if (found === wanted) return
    const stored = this.#parse(partition, found)
    const verdict = judgeCommit(stored, from, epoch)
    throw refusal(verdict === 'fenced' ? 'fenced' : 'stale-commit', partition, stored, `a commit from ${from} under epoch ${epoch}`)
  }

  async #try<Result>(partition: number, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw redisFailure(error, this.#where(partition))
    }
  }

  #parse(partition: number, text: string | undefined): StoredPartition {
    return text === undefined || text === '' ? NOTHING : parsePosition(text, this.#where(partition))
  }

  #key(partition: number): string {
    return this.#keys[partition] as string
  }

  #where(partition: number): string {
    return `Redis key ${this.#key(partition)}`
  }
}

/** What a partition's hash says where it is gone: less than any owner left there. */
const NOTHING: StoredPartition = { offset: 0, epoch: -1, decisionsOffset: 0, chainHash: CHAIN_START, generation: '' }

const bytesOf = ({ states }: StateCommit): number => {
  let bytes = 0
  for (const [key, state] of states) bytes += key.length + (state?.length ?? 0)
  return bytes
}

/** Waits for all, whatever becomes of some: nothing is on its way any more when the first failure is thrown. */
const allOf = async (work: readonly Promise<void>[]): Promise<void> => {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason
}

const refusal = (code: 'stale-commit' | 'fenced', partition: number, stored: StoredPosition, what: string): StaleCommit =>
  new StaleCommit(
    code,
    partition,
    `partition ${partition} stands at ${stored.offset} under epoch ${stored.epoch} in Redis; ${what} is refused`,
  )
