/**
 * Entity states in LMDB. Writes are gathered by its own thread and never block the event loop; states, offset, epoch and chain hash of a
 * commit are one transaction. The store is a cache of the log: a lost or damaged folder is rebuilt by folding the log again.
 */
import { mkdirSync } from 'node:fs'
import { open, type RootDatabase } from 'lmdb'
import type { PartitionState, StateCommit, StateStore, StoredAt } from '../ports.ts'
import { TerminalFailure } from '../failure.ts'
import { advance, CommitLedger } from '../protocol/commit-ledger.ts'
import { isLmdbFolder } from './lmdb-file.ts'
import { needRoomFor } from './room.ts'

export interface EmbeddedStateOptions {
  readonly folder: string
  /** Upper bound of the memory map; address space, not memory. */
  readonly mapBytesMax?: number
}

const GIBI = 1024 ** 3
/** Part of the folder's name: a store of another format is left as it is, and the log folded again beside it. */
export const STATE_FORMAT = 3
export const openStateStore = (options: EmbeddedStateOptions): StateStore => {
  mkdirSync(options.folder, { recursive: true })
  try {
    if (!isLmdbFolder(options.folder)) throw new Error('its data.mdb is no LMDB database')
    return new LmdbStateStore(
      // Not compressed: records leave out their zeros by themselves, at a fraction of what LZ4 and its threads take.
      open({
        path: options.folder,
        encoding: 'binary',
        keyEncoding: 'binary',
        mapSize: options.mapBytesMax ?? 64 * GIBI,
        noSubdir: false,
      }),
      options.folder,
    )
  } catch (cause) {
    throw new TerminalFailure(
      'state-corrupt',
      `${options.folder} cannot be opened as a state store. It is a cache: delete the folder, and the engine rebuilds it from the log.`,
      cause,
    )
  }
}

class LmdbStateStore implements StateStore {
  readonly #db: RootDatabase<Uint8Array, Uint8Array>
  readonly #folder: string
  readonly #ledger: CommitLedger
  readonly #loaded = new Arena()
  /** Commits follow one another, so that a failed one can be taken back before the next is checked. */
  #last: Promise<void> = Promise.resolve()

  constructor(db: RootDatabase<Uint8Array, Uint8Array>, folder: string) {
    this.#db = db
    this.#folder = folder
    this.#ledger = new CommitLedger((partition) => decodePartition(db.get(partitionKey(partition))))
  }

  async claim(partition: number, epoch: number): Promise<PartitionState> {
    await this.#last
    needRoomFor(1, this.#folder)
    const state = this.#ledger.claim(partition, epoch)
    await this.#db.put(partitionKey(partition), encodePartition(state))
    return state
  }

  async load(partition: number, keys: readonly string[], at?: StoredAt): Promise<readonly (Uint8Array | undefined)[]> {
    if (at !== undefined) this.#ledger.admitLoad(partition, at)
    return keys.map((key) => {
      const read = this.#db.getBinaryFast(entityKey(partition, key))
      return read && this.#loaded.copy(read)
    })
  }

  visit(partition: number, keys: readonly string[], at: StoredAt, take: (index: number, record: Uint8Array | undefined) => void): void {
    this.#ledger.admitLoad(partition, at)
    keys.forEach((key, i) => {
      const read = this.#db.getBinaryFast(entityKey(partition, key))
      // The buffer behind it is longer, and holds the next one's bytes next.
      take(i, read?.subarray(0, read.length))
    })
  }

  commit(commits: readonly StateCommit[]): Promise<void> {
    const done = this.#last.then(() => this.#write(commits))
    this.#last = done.catch(() => {})
    return done
  }

  async close(): Promise<void> {
    await this.#last
    await this.#db.flushed
    await this.#db.close()
  }

  async #write(commits: readonly StateCommit[]): Promise<void> {
    needRoomFor(
      commits.reduce((sum, { states }) => sum + states.size + 1, 0),
      this.#folder,
    )
    const before = this.#ledger.admit(commits)
    try {
      await this.#db.batch(() => {
        for (const commit of commits) {
          for (const [key, state] of commit.states) {
            if (state === null) void this.#db.remove(entityKey(commit.partition, key))
            else void this.#db.put(entityKey(commit.partition, key), state)
          }
          void this.#db.put(partitionKey(commit.partition), encodePartition(advance(commit)))
        }
      })
    } catch (cause) {
      this.#ledger.restore(before)
      throw cause
    }
  }
}

const CHUNK_BYTES = 64 * 1024

/** Loaded records share buffers: the store reads each into the same place, and allocating for each costs more than copying it. */
class Arena {
  #chunk: Buffer = Buffer.alloc(0)
  #used = 0

  /** `shared.length` is set by the store to the record's; the buffer behind it is longer. */
  copy(shared: Buffer): Buffer {
    const { length } = shared
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, length))
      this.#used = 0
    }
    const at = this.#used
    this.#used += length
    shared.copy(this.#chunk, at, 0, length)
    return this.#chunk.subarray(at, this.#used)
  }
}

/** `p` + partition u16 for a partition's own record, `e` + partition u16 + applicant for an entity: a partition's records lie together. */
const partitionKey = (partition: number): Buffer => Buffer.from([0x70, partition >> 8, partition & 0xff])
const entityKey = (partition: number, key: string): Buffer => {
  const out = Buffer.allocUnsafe(3 + key.length)
  out[0] = 0x65
  out[1] = partition >> 8
  out[2] = partition & 0xff
  out.write(key, 3, 'latin1')
  return out
}

const encodePartition = (state: PartitionState): Buffer => {
  const out = Buffer.alloc(24 + 32)
  out.writeDoubleLE(state.offset, 0)
  out.writeDoubleLE(state.epoch, 8)
  out.writeDoubleLE(state.decisionsOffset, 16)
  out.write(state.chainHash, 24, 'hex')
  return out
}

const decodePartition = (bytes: Uint8Array | undefined): PartitionState | undefined => {
  if (bytes === undefined) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    offset: buffer.readDoubleLE(0),
    epoch: buffer.readDoubleLE(8),
    decisionsOffset: buffer.readDoubleLE(16),
    chainHash: buffer.toString('hex', 24, 56),
  }
}
