/** Outlier scores beside scikit-learn's, of the same trees and the same neighbours: CPU time a row in one batch and one by one, one thread each. */
import { emptyTree, type Tree } from '#registry/onnx/tree-ensemble.ts'
import { isolationForest } from '#scoring/outlier/isolation-forest.ts'
import { localOutlierFactor } from '#scoring/outlier/local-outlier-factor.ts'
import type { BenchContext } from './bench-context.ts'
import { type BenchRow, median } from './bench-row.ts'
import { machineLine } from './machine.ts'
import { type PythonPeer, pythonPeer } from './python-peer.ts'

interface Prepared {
  readonly versions: string
  readonly features: number
  readonly neighbours: number
  readonly rowsATree: number
  readonly sample: readonly number[]
  readonly rows: readonly number[]
  readonly trees: readonly Readonly<Record<'feature' | 'threshold' | 'left' | 'right' | 'rows', readonly number[]>>[]
}

interface Run {
  readonly us: number
  readonly scores: ArrayLike<number>
}

const TOLERANCE = 1e-9

const treeOf = ({ feature, threshold, left, right, rows }: Prepared['trees'][number]): Tree => {
  const tree = emptyTree(feature.length)
  tree.feature.set(feature)
  tree.threshold.set(threshold)
  tree.left.set(left)
  tree.right.set(right)
  tree.cover.set(rows)
  return tree
}

const timed = (rows: number, score: (row: number) => number): Run => {
  const scores = new Float64Array(rows)
  const before = process.cpuUsage()
  for (let row = 0; row < rows; row++) scores[row] = score(row)
  const { user, system } = process.cpuUsage(before)
  return { us: (user + system) / rows, scores }
}

/** Neither is worth a figure where they say different things. */
const requireSame = (what: string, ours: Run, theirs: Run): void => {
  for (let row = 0; row < ours.scores.length; row++)
    if (!(Math.abs(ours.scores[row]! / theirs.scores[row]! - 1) <= TOLERANCE))
      throw new Error(`${what}, row ${row}: ${ours.scores[row]}, scikit-learn has ${theirs.scores[row]}`)
}

type What = 'forest' | 'factor'
/** Rows that are asked for one by one: scikit-learn takes milliseconds for each. */
const SINGLE_ROWS = 200

const contest = async (what: What, rows: number, batch: number, peer: PythonPeer, runs: number, ours: (rows: number) => Run) => {
  const [mine, theirs]: [number[], number[]] = [[], []]
  for (let run = 0; run <= runs; run++) {
    const [here, there] = [ours(rows), await peer.ask<Run>({ do: 'time', what, rows, batch })]
    requireSame(what, here, there)
    // The first run warms both up.
    if (run === 0) continue
    mine.push(here.us)
    theirs.push(there.us)
  }
  return { value: median(mine), peerValue: median(theirs) }
}

/** `outlier.forest` and `outlier.factor`, one by one and `.batch`. @throws Error where a score differs from scikit-learn's. */
export const outlierBenches = async (context: BenchContext): Promise<BenchRow[]> => {
  const peer = pythonPeer(await context.python(), new URL('peers/outlier_peer.py', import.meta.url).pathname)
  try {
    const { versions, features, neighbours, rowsATree, ...given } = await peer.ask<Prepared>({ do: 'prepare' })
    const rows = Float32Array.from(given.rows)
    const wide = Float64Array.from(rows)
    const count = rows.length / features
    const forest = isolationForest(given.trees.map(treeOf), rowsATree)
    const factor = localOutlierFactor(Float64Array.from(given.sample), features, neighbours)
    const conditions = `${features} features, CPU time, one thread; all scores within ${TOLERANCE} of each other; median of ${context.runs} alternating runs; ${machineLine()}`
    const notes: Readonly<Record<What, string>> = {
      forest: `${given.trees.length} trees of ${rowsATree} rows`,
      factor: `${given.sample.length / features} reference rows, ${neighbours} neighbours`,
    }
    const ours: Readonly<Record<What, (rows: number) => Run>> = {
      forest: (taken) => timed(taken, (at) => forest(rows, at * features)),
      factor: (taken) => timed(taken, (at) => factor(wide, at * features)),
    }
    const row = async (what: What, taken: number, batch: number): Promise<BenchRow> => {
      const { value, peerValue } = await contest(what, taken, batch, peer, context.runs, ours[what])
      const how = batch === 1 ? `${taken} rows one by one` : `${taken} rows in one batch`
      const name = batch === 1 ? `outlier.${what}` : `outlier.${what}.batch`
      return {
        name,
        value,
        unit: 'µs/row',
        peer: versions,
        peerValue,
        ratio: peerValue / value,
        conditions: `${notes[what]}; ${how}; ${conditions}`,
      }
    }
    for (const what of ['forest', 'factor'] as const) ours[what](count)
    const measured: BenchRow[] = []
    for (const what of ['forest', 'factor'] as const) measured.push(await row(what, SINGLE_ROWS, 1), await row(what, count, count))
    return measured
  } finally {
    peer.close()
  }
}
