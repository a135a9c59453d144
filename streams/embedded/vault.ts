/**
 * The vault: protected attributes in LMDB, AES-256-GCM under a key per subject, which a master key wraps. Erasing a subject destroys its
 * key and rows. The master key lies in a file of mode 0600 beside the data; whoever copies the data without it holds nothing.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { TerminalFailure } from '../failure.ts'
import type { ProtectedAttributes, Vault, VaultRow } from '../ports.ts'
import { isLmdbFolder } from './lmdb-file.ts'
import { needRoomFor } from './room.ts'

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

interface Row {
  readonly subject: string
  /** Sealed JSON of the attributes; null marks an erasure. */
  readonly sealed: Buffer | null
}

type PutOutcome = 'accepted' | 'duplicate' | 'conflict'

interface Waiting {
  readonly entry: ProtectedAttributes
  readonly resolve: (outcome: PutOutcome) => void
  readonly reject: (failure: unknown) => void
}

/** What a group adds. */
interface Fresh {
  readonly keys: Map<string, Buffer>
  readonly seen: Map<string, Buffer>
  readonly rows: [sequence: number, row: Row][]
}

/** Puts of one transaction: some 10 ms of sealing. */
const GROUP_MAX = 256

export const openVault = (folder: string): Vault => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const master = masterKey(folder)
  const rows = join(folder, 'rows')
  if (!isLmdbFolder(rows))
    throw new TerminalFailure('vault-corrupt', `${rows} holds no LMDB database: it is damaged. Restore the vault folder from its copy.`)
  return new EmbeddedVault(open({ path: rows, encoding: 'msgpack' }), master, folder)
}

class EmbeddedVault implements Vault {
  readonly #root: RootDatabase
  readonly #folder: string
  readonly #master: Buffer
  readonly #keys: Database<Buffer, string>
  readonly #rows: Database<Row, number>
  /** `subject\nproducer\nevent id` → MAC of the event's bytes under the subject's key: recognises repeats, tells nothing once the key is gone. */
  readonly #seen: Database<Buffer, string>
  #next: number
  #last: Promise<unknown> = Promise.resolve()
  /** Puts that wait for the write under way. */
  #gathering: Waiting[] | undefined

  constructor(root: RootDatabase, master: Buffer, folder: string) {
    this.#root = root
    this.#folder = folder
    this.#master = master
    this.#keys = root.openDB<Buffer, string>({ name: 'keys', encoding: 'binary' })
    this.#rows = root.openDB<Row, number>({ name: 'rows' })
    this.#seen = root.openDB<Buffer, string>({ name: 'seen', encoding: 'binary' })
    this.#next = 0
    for (const key of this.#rows.getKeys({ reverse: true, limit: 1 })) this.#next = key + 1
  }

  put(entry: ProtectedAttributes): Promise<PutOutcome> {
    const outcome = Promise.withResolvers<PutOutcome>()
    const waiting = { entry, ...outcome }
    const group = this.#gathering
    if (group !== undefined && group.length < GROUP_MAX) group.push(waiting)
    else {
      const begun = (this.#gathering = [waiting])
      void this.#inTurn(() => {
        if (this.#gathering === begun) this.#gathering = undefined
        return this.#putAll(begun)
      })
    }
    return outcome.promise
  }

  read(sequence: number, rowsMax: number): readonly VaultRow[] {
    const out: VaultRow[] = []
    for (const { key, value } of this.#rows.getRange({ start: sequence, limit: rowsMax }))
      out.push({ sequence: key, subject: value.subject, attributes: this.#attributes(key, value) })
    return out
  }

  erase(subject: string): Promise<void> {
    // What is put from now on comes after it.
    this.#gathering = undefined
    return this.#inTurn(async () => {
      const rows = [...this.#rows.getRange({})].filter(({ value }) => value.subject === subject).map(({ key }) => key)
      const seen = [...this.#seen.getKeys({ start: `${subject}\n`, end: `${subject}\n\uffff` })]
      needRoomFor(rows.length + seen.length + 2, this.#folder)
      const sequence = this.#next++
      await this.#root.batch(() => {
        void this.#keys.remove(subject)
        for (const key of rows) void this.#rows.remove(key)
        for (const key of seen) void this.#seen.remove(key)
        void this.#rows.put(sequence, { subject, sealed: null })
      })
      await this.#root.flushed
    })
  }

  async close(): Promise<void> {
    await this.#last
    await this.#root.close()
  }

  /** Writes follow one another: each looks before it puts. */
  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(run)
    this.#last = done.catch(() => {})
    return done
  }

  /** One transaction and one flush for all that came while the one before was under way. Never rejects: each learns what became of it. */
  async #putAll(group: readonly Waiting[]): Promise<void> {
    const done: (() => void)[] = []
    const fresh: Fresh = { keys: new Map(), seen: new Map(), rows: [] }
    try {
      needRoomFor(3 * group.length, this.#folder)
      for (const { entry, resolve, reject } of group)
        try {
          const outcome = this.#take(entry, fresh)
          done.push(() => resolve(outcome))
        } catch (failure) {
          reject(failure)
        }
      if (fresh.rows.length > 0) {
        await this.#root.batch(() => {
          for (const [subject, key] of fresh.keys) void this.#keys.put(subject, seal(this.#master, key, subject))
          for (const [sequence, row] of fresh.rows) void this.#rows.put(sequence, row)
          for (const [event, mac] of fresh.seen) void this.#seen.put(event, mac)
        })
        await this.#root.flushed
      }
    } catch (failure) {
      for (const { reject } of group) reject(failure)
    }
    // Of what was rejected already nothing comes any more.
    for (const tell of done) tell()
  }

  #take({ subject, producer, eventId, attributes, bytes }: ProtectedAttributes, fresh: Fresh): PutOutcome {
    const held = this.#keys.get(subject)
    const key = fresh.keys.get(subject) ?? (held === undefined ? randomBytes(KEY_BYTES) : unseal(this.#master, held, subject))
    const mac = createHmac('sha256', key).update(bytes).digest()
    const event = `${subject}\n${producer}\n${eventId}`
    const before = fresh.seen.get(event) ?? this.#seen.get(event)
    if (before !== undefined) return timingSafeEqual(before, mac) ? 'duplicate' : 'conflict'
    const sequence = this.#next++
    if (held === undefined) fresh.keys.set(subject, key)
    fresh.seen.set(event, mac)
    fresh.rows.push([sequence, { subject, sealed: seal(key, Buffer.from(JSON.stringify(attributes)), `${subject}\n${sequence}`) }])
    return 'accepted'
  }

  #attributes(sequence: number, row: Row): Readonly<Record<string, string>> | null {
    const key = this.#keys.get(row.subject)
    if (row.sealed === null || key === undefined) return null
    const opened = unseal(unseal(this.#master, key, row.subject), row.sealed, `${row.subject}\n${sequence}`)
    return JSON.parse(opened.toString()) as Record<string, string>
  }
}

/** iv ‖ ciphertext ‖ tag, bound to what it belongs to. */
const seal = (key: Buffer, plain: Buffer, belongsTo: string): Buffer => {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(belongsTo))
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

const unseal = (key: Buffer, sealed: Uint8Array, belongsTo: string): Buffer => {
  const tagAt = sealed.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES))
    .setAAD(Buffer.from(belongsTo))
    .setAuthTag(sealed.subarray(tagAt))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, tagAt)), decipher.final()])
  } catch (cause) {
    throw new TerminalFailure(
      'vault-key',
      'a row of the vault does not open: master.key is not the one it was written with, or the row is damaged. Restore master.key and the vault folder from the same copy.',
      cause,
    )
  }
}

const masterKey = (folder: string): Buffer => {
  const path = join(folder, 'master.key')
  if (!existsSync(path)) {
    if (existsSync(join(folder, 'rows')))
      throw new TerminalFailure(
        'vault-key',
        `${path} is missing, but the vault holds rows: without it they cannot be read. Restore it from its copy, or move ${folder} aside to begin an empty vault.`,
      )
    writeFileSync(path, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx', flush: true })
  }
  const mode = statSync(path).mode & 0o777
  if ((mode & 0o077) !== 0) chmodSync(path, 0o600)
  const key = readFileSync(path)
  if (key.length !== KEY_BYTES)
    throw new TerminalFailure('vault-key', `${path} holds ${key.length} bytes, a key has ${KEY_BYTES}. Restore it from its copy.`)
  return key
}
