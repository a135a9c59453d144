/**
 * The kernels beside their peers, on two fixed LightGBM models of 300 trees and 50 features: 63 leaves with no depth limit for margins, 63
 * leaves to depth 6 for attributions. Each figure is the median of alternating runs; everything runs on one thread.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { readTreeEnsembleOnnx } from '#registry/onnx/read-tree-ensemble.ts'
import { writeTreeEnsembleOnnx } from '#registry/onnx/write-tree-ensemble.ts'
import { blockShap, type Perspective } from '#scoring/shap/block-shap.ts'
import { kernelMemory } from '#scoring/wasm/kernel-memory.ts'
import { treeMargin } from '#scoring/wasm/tree-margin.ts'
import { median, type BenchRow } from './bench-row.ts'
import { machineLine } from './machine.ts'
import { lightGbmContributions } from './lightgbm-contributions.ts'
import { treeFromDump, type DumpedNode } from './lightgbm-dump.ts'
import { pythonPeer, type PythonPeer } from './python-peer.ts'

export interface KernelBenchOptions {
  /** A Python interpreter with what peers/requirements.txt names. */
  readonly python: string
  /** Alternating runs of which the median counts; 5 by default. */
  readonly runs?: number
}

interface Model {
  readonly features: number
  readonly rows: number
  readonly vectors: Float32Array
  readonly onnx: Uint8Array
}

/** What one contender took, and what it said of the first row, so that none is fast by being wrong. */
interface Run {
  readonly us: number
  readonly first: readonly number[]
}
type Contender = () => Promise<Run>

interface Contest {
  readonly name: string
  readonly ours: Contender
  readonly peers: Readonly<Record<string, Contender>>
  /** Largest difference allowed between ours and a peer's first row. */
  readonly tolerance: number
  readonly note: string
}

const readModel = (dir: string, name: string, features: number): Model => {
  const trees = (JSON.parse(readFileSync(join(dir, `${name}.json`), 'utf8')) as DumpedNode[]).map((root) => treeFromDump(root))
  const bytes = readFileSync(join(dir, `${name}.f32`))
  const vectors = new Float32Array(new Uint8Array(bytes).buffer)
  const onnx = writeTreeEnsembleOnnx({ features, base: 0, trees }, { name, doc: 'benchmark' })
  return { features, rows: vectors.length / features, vectors, onnx }
}

const perRow = (rows: number, step: () => void): number => {
  const started = performance.now()
  step()
  return ((performance.now() - started) * 1000) / rows
}

/** Passes over all rows in one run: a tenth of a second of work at 10 µs a row. */
const PASSES = 5

const ourMargins = ({ onnx, vectors, rows, features }: Model, batch: boolean): Contender => {
  const kernel = treeMargin(kernelMemory(), readTreeEnsembleOnnx(onnx))
  const each = (): void => {
    for (let r = 0; r < rows; r++) kernel.one(vectors, r * features)
  }
  const work = batch ? () => void kernel.batch(vectors, rows) : each
  work()
  return async () => {
    const us = perRow(rows * PASSES, () => {
      for (let pass = 0; pass < PASSES; pass++) work()
    })
    return { us, first: [kernel.one(vectors, 0)] }
  }
}

const runtimeMargins = async ({ onnx, vectors, rows, features }: Model, batch: number): Promise<Contender> => {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' })
  const feeds = Array.from({ length: Math.floor(rows / batch) }, (_, i) => ({
    features: new Tensor('float32', vectors.subarray(i * batch * features, (i + 1) * batch * features), [batch, features]),
  }))
  return async () => {
    const started = performance.now()
    for (const feed of feeds) await session.run(feed)
    const us = ((performance.now() - started) * 1000) / (feeds.length * batch)
    const { margin } = await session.run(feeds[0]!)
    return { us, first: [(margin!.data as Float32Array)[0]!] }
  }
}

/** Bytes walked between two rows to push the tables out of every cache. */
const COLD_BYTES = 256 * 2 ** 20
const COLD_ROWS = 21

interface OurAttributions {
  /** All rows of a run in one call, as shap is given them and as the engine takes a batch. */
  readonly run: Contender
  /** Microseconds of a row that comes alone: after others of its kind, and after everything else was in the caches. */
  readonly alone: () => number
  readonly cold: () => number
}

const ourAttributions = ({ onnx, vectors, rows, features }: Model, perspective: Perspective): OurAttributions => {
  const shap = blockShap(kernelMemory(), readTreeEnsembleOnnx(onnx), perspective)
  const out = new Float64Array(features)
  const all = new Float64Array(rows * features)
  // Python explains rows from 1000 on, which are in no background.
  const from = rows / 2
  const timed = (work: () => void): number =>
    perRow((rows - from) * PASSES, () => {
      for (let pass = 0; pass < PASSES; pass++) work()
    })
  const together = (): void => shap.attributeRows(vectors, from * features, rows - from, all)
  const oneByOne = (): void => {
    for (let r = from; r < rows; r++) shap.attribute(vectors, r * features, out)
  }
  together()
  oneByOne()
  const run: Contender = async () => {
    const us = timed(together)
    return { us, first: [...all.subarray(0, features)] }
  }
  const cold = (): number => {
    const sweep = new Float64Array(COLD_BYTES / 8)
    const times = Array.from({ length: COLD_ROWS }, (_, r) => {
      sweep.fill(r)
      return perRow(1, () => shap.attribute(vectors, (from + r) * features, out))
    })
    return median(times)
  }
  return { run, alone: () => timed(oneByOne), cold }
}

/** Rows LightGBM explains in one run: some 4 ms each. */
const CONTRIB_ROWS = 200

const libraryContributions = ({ vectors, rows, features }: Model, library: string, modelFile: string): Contender => {
  const contributions = lightGbmContributions(library, modelFile, features)
  const from = rows / 2
  const asked = Float64Array.from(vectors.subarray(from * features, (from + CONTRIB_ROWS) * features))
  return async () => {
    let found: Float64Array = new Float64Array()
    const us = perRow(CONTRIB_ROWS, () => (found = contributions.of(asked, CONTRIB_ROWS)))
    return { us, first: [...found.subarray(0, features)] }
  }
}

const contestsOf = async (margins: Model, depth6: Model, peer: PythonPeer, predContrib: Contender): Promise<Contest[]> => {
  const ask =
    (what: string, rows: number): Contender =>
    () =>
      peer.ask<Run>({ do: 'time', what, rows })
  const treeNote = '300 LightGBM trees, 63 leaves, 50 features, no depth limit, 2,000 different rows'
  const shapNote = '300 LightGBM trees, 63 leaves, depth 6, 50 features, 1,000 different rows; tables built beforehand'
  const attributions = (name: string, perspective: Perspective, peers: Contest['peers']): Contest => {
    const { run, alone, cold } = ourAttributions(depth6, perspective)
    const note = `${shapNote}; ours and shap are given the rows together, LightGBM its ${CONTRIB_ROWS}; a row alone takes ours ${alone().toFixed(1)} µs, with cold caches ${cold().toFixed(0)}`
    return { name, ours: run, peers, tolerance: 1e-6, note }
  }
  const background = (rows: number): Perspective => ({
    kind: 'interventional',
    background: depth6.vectors.slice(0, rows * depth6.features),
  })
  const lleaves = { tolerance: 1e-4, note: treeNote }
  return [
    {
      name: 'tree.batch1',
      ours: ourMargins(margins, false),
      peers: { 'onnxruntime-node': await runtimeMargins(margins, 1), lleaves: ask('lleaves1', 2000) },
      ...lleaves,
    },
    {
      name: 'tree.batch256',
      ours: ourMargins(margins, true),
      peers: { 'onnxruntime-node': await runtimeMargins(margins, 256), lleaves: ask('lleaves256', 2000) },
      ...lleaves,
    },
    attributions(
      'shap.path_dependent',
      { kind: 'path-dependent' },
      { shap: ask('shap_path', 200), 'LightGBM pred_contrib (koffi)': predContrib },
    ),
    attributions('shap.interventional_100', background(100), { shap: ask('shap_100', 100) }),
    attributions('shap.interventional_1000', background(1000), { shap: ask('shap_1000', 20) }),
  ]
}

const farthest = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))))

/** lleaves answers probabilities; margins are compared through the logistic function then. */
const comparable = (peer: string, values: readonly number[]): readonly number[] =>
  peer === 'lleaves' ? values.map((margin) => 1 / (1 + Math.exp(-margin))) : values

const hold = async (contest: Contest, runs: number, conditions: string): Promise<BenchRow[]> => {
  const ours: number[] = []
  const theirs = new Map(Object.keys(contest.peers).map((peer) => [peer, [] as number[]]))
  for (let run = 0; run < runs; run++) {
    const own = await contest.ours()
    ours.push(own.us)
    for (const [peer, contender] of Object.entries(contest.peers)) {
      const other = await contender()
      theirs.get(peer)!.push(other.us)
      const apart = farthest(comparable(peer, own.first), other.first)
      if (!(apart <= contest.tolerance))
        throw new Error(`${contest.name}: ours and ${peer} differ by ${apart}, more than ${contest.tolerance}`)
    }
  }
  const value = median(ours)
  return [...theirs].map(([peer, times]) => ({
    name: contest.name,
    value,
    unit: 'µs/row',
    peer,
    peerValue: median(times),
    ratio: median(times) / value,
    conditions: `${contest.note}; ${conditions}`,
  }))
}

/** One row a figure and peer, the principal peer first. Takes about two minutes. @throws Error where a peer is absent or disagrees. */
export const kernelBenches = async ({ python, runs = 5 }: KernelBenchOptions): Promise<BenchRow[]> => {
  const dir = mkdtempSync(join(tmpdir(), 'scorestream-bench-'))
  const peer = pythonPeer(python, new URL('peers/kernel_peers.py', import.meta.url).pathname)
  try {
    const { features, library } = await peer.ask<{ features: number; library: string }>({ do: 'prepare', dir })
    const versions = Object.entries(await peer.ask<Record<string, string>>({ do: 'versions' })).map((entry) => entry.join(' '))
    const conditions = `one thread, median of ${runs} alternating runs; ${machineLine()}, ${versions.join(', ')}`
    const rows: BenchRow[] = []
    const [margins, depth6] = [readModel(dir, 'leaves63', features), readModel(dir, 'depth6', features)]
    const predContrib = libraryContributions(depth6, library, join(dir, 'depth6.txt'))
    for (const contest of await contestsOf(margins, depth6, peer, predContrib)) rows.push(...(await hold(contest, runs, conditions)))
    return rows
  } finally {
    peer.close()
    rmSync(dir, { recursive: true, force: true })
  }
}
