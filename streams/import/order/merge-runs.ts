/** Sorted runs → one sequence by event time; events of one instant in the order of the runs, which is the order of the files. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { RunReader, RunWriter } from './run-file.ts'

/** Runs read side by side: bounds memory and open files. */
const RUNS_MAX = 128

/** Binary heap of runs by (time, run). */
class RunHeap {
  readonly #runs: { readonly reader: RunReader; readonly order: number }[] = []

  get first(): RunReader | undefined {
    return this.#runs[0]?.reader
  }

  add(reader: RunReader, order: number): void {
    this.#runs.push({ reader, order })
    let at = this.#runs.length - 1
    for (let parent = (at - 1) >> 1; at > 0 && this.#before(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent)
      at = parent
    }
  }

  /** The first run has moved on, or ended. */
  settle(ended: boolean): void {
    if (ended) {
      const last = this.#runs.pop()!
      if (this.#runs.length === 0) return
      this.#runs[0] = last
    }
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < this.#runs.length && this.#before(left, least)) least = left
      if (right < this.#runs.length && this.#before(right, least)) least = right
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #before(a: number, b: number): boolean {
    const [one, other] = [this.#runs[a]!, this.#runs[b]!]
    return one.reader.time < other.reader.time || (one.reader.time === other.reader.time && one.order < other.order)
  }

  #swap(a: number, b: number): void {
    const one = this.#runs[a]!
    this.#runs[a] = this.#runs[b]!
    this.#runs[b] = one
  }
}

/** Every event of the runs, in order. */
export class RunMerge {
  readonly #readers: readonly RunReader[]
  readonly #heap = new RunHeap()
  #last: RunReader | undefined

  constructor(paths: readonly string[]) {
    this.#readers = paths.map((path) => new RunReader(path))
    this.#readers.forEach((reader, order) => {
      if (reader.advance()) this.#heap.add(reader, order)
    })
  }

  /** A reader that stands on the next event; its bytes are valid until the next call. */
  next(): RunReader | undefined {
    if (this.#last !== undefined) this.#heap.settle(!this.#last.advance())
    return (this.#last = this.#heap.first)
  }

  close(): void {
    for (const reader of this.#readers) reader.close()
  }
}

const mergeInto = (writer: RunWriter, paths: readonly string[]): void => {
  const merge = new RunMerge(paths)
  try {
    for (let one = merge.next(); one !== undefined; one = merge.next()) writer.add(one.time, one.bytes, one.from, one.to)
  } finally {
    merge.close()
  }
}

/**
 * Merges neighbouring runs until few enough are left to be read side by side. `replaced` is told of each step once the new run is whole and before
 * the old ones go: an interruption loses nothing. Runs are names in `folder`.
 */
export const fewerRuns = (
  folder: string,
  runs: readonly string[],
  newRun: () => string,
  replaced: (runs: readonly string[]) => void,
  runsMax = RUNS_MAX,
): readonly string[] => {
  let left = runs
  for (let from = 0; left.length > runsMax; from = from + 1 < left.length ? from + 1 : 0) {
    const group = left.slice(from, from + runsMax)
    if (group.length < 2) continue
    const name = newRun()
    const writer = new RunWriter(join(folder, name))
    mergeInto(
      writer,
      group.map((one) => join(folder, one)),
    )
    writer.close()
    left = [...left.slice(0, from), name, ...left.slice(from + group.length)]
    replaced(left)
    for (const old of group) rmSync(join(folder, old), { force: true })
  }
  return left
}
