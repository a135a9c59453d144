/** Groups of a lookup by key: in memory while they are few, else in a database file, so that memory stays bounded whatever the tables hold. */
import { rmSync } from 'node:fs'
import { open, type RootDatabase } from 'lmdb'
import type { Kept } from '../expression/context.ts'

/** Groups held in memory: about 40 MB with a handful of values each. */
const GROUPS_MAX = 200_000
/** Longest key LMDB takes, in characters that may need three bytes each. */
const KEY_CHARACTERS_MAX = 600

export class LookupTable {
  readonly #folder: string
  readonly #merge: (earlier: Kept, later: Kept) => Kept
  readonly #groupsMax: number
  #groups = new Map<string, Kept>()
  #database: RootDatabase<Kept, string> | undefined
  #last: { readonly key: string; readonly values: Kept | undefined } | undefined

  /** `folder` is made where memory does not suffice, and removed by {@link close}. */
  constructor(folder: string, merge: (earlier: Kept, later: Kept) => Kept, groupsMax = GROUPS_MAX) {
    this.#folder = folder
    this.#merge = merge
    this.#groupsMax = groupsMax
  }

  add(key: string, values: Kept): void {
    if (key.length > KEY_CHARACTERS_MAX) return
    const earlier = this.#groups.get(key)
    this.#groups.set(key, earlier === undefined ? values : this.#merge(earlier, values))
    if (this.#groups.size > this.#groupsMax) this.#spill()
  }

  /** No more rows will come. */
  finish(): void {
    if (this.#database !== undefined) this.#spill()
  }

  find(key: string): Kept | undefined {
    if (this.#database === undefined) return this.#groups.get(key)
    // Rows of one key mostly follow each other, and one row asks for several values.
    if (this.#last?.key !== key) this.#last = { key, values: key.length > KEY_CHARACTERS_MAX ? undefined : this.#database.get(key) }
    return this.#last.values
  }

  async close(): Promise<void> {
    await this.#database?.close()
    this.#groups = new Map()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #spill(): void {
    if (this.#database === undefined) {
      rmSync(this.#folder, { recursive: true, force: true })
      // Nothing here outlives the run: an interrupted import reads its lookups again.
      this.#database = open<Kept, string>({ path: this.#folder, encoding: 'json', noSync: true, overlappingSync: false })
    }
    const database = this.#database
    database.transactionSync(() => {
      for (const [key, values] of this.#groups) {
        const earlier = database.get(key)
        database.putSync(key, earlier === undefined ? values : this.#merge(earlier, values))
      }
    })
    this.#groups = new Map()
  }
}
