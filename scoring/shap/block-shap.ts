/** Exact Shapley attributions in microseconds: tables built once per model and background, looked up by the kernel for each row. */
import { treeDepth, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'
import type { KernelMemory } from '../wasm/kernel-memory.ts'
import { QUAD } from './accumulator-plan.ts'
import { ROW_BYTES, ROWS_A_CALL, writeBlockLayout, type BlockLayout } from './block-layout.ts'
import { blocksOf, conditionsMax, type Block, type BlockLeaf } from './blocks.ts'
import { leafGame } from './leaf-game.ts'

/**
 * What an unknown feature is taken to be. `interventional`: its value in a background row, all rows equally, other features
 * independent of it. `path-dependent`: whatever the training rows that reached the split had.
 */
export type Perspective = { readonly kind: 'interventional'; readonly background: Float32Array } | { readonly kind: 'path-dependent' }

export interface BlockShap {
  /** Writes the attributions of the row `vectors[at .. at + d)` (NaN = missing) to `out[0 .. d)`, in units of the margin. */
  attribute(vectors: Float32Array, at: number, out: Float64Array): void
  /** As {@link attribute}, bit for bit, for `rows` consecutive rows: many together take a fraction of what they take one by one. */
  attributeRows(vectors: Float32Array, at: number, rows: number, out: Float64Array): void
  readonly tableBytes: number
}

/** Codes of every background row's blocks, rows × blocks, without flips. */
const backgroundCodes = (memory: KernelMemory, layout: BlockLayout, background: Float32Array, features: number): Uint8Array => {
  const rows = background.length / features
  const codes = new Uint8Array(rows * layout.blocks)
  const input = new Float32Array(memory.buffer(), layout.row, features)
  const output = new Uint8Array(memory.buffer(), layout.codes, layout.blocks)
  for (let r = 0; r < rows; r++) {
    input.set(background.subarray(r * features, (r + 1) * features))
    memory.kernels.blockCodes(layout.record, layout.row)
    codes.set(output, r * layout.blocks)
  }
  return codes
}

/** Condition i is bit i in a block's raw patterns, and bit `bits − 1 − i` in the kernel's codes. */
const reversed = (bits: number): Uint8Array =>
  Uint8Array.from({ length: 1 << bits }, (_, raw) => {
    let code = 0
    for (let i = 0; i < bits; i++) if ((raw >> i) & 1) code |= 1 << (bits - 1 - i)
    return code
  })

/** Players whose demand holds, as bits, for a raw pattern of conditions. */
const patternsOf = (leaf: BlockLeaf, codes: number, out: Uint8Array): void => {
  for (let raw = 0; raw < codes; raw++) {
    let pattern = 0
    for (const [j, { mask, wanted }] of leaf.demands.entries()) if ((raw & mask) === wanted) pattern |= 1 << j
    out[raw] = pattern
  }
}

/** Weight of each background pattern of the leaf's players; sums to `total`. */
const massOf = (leaf: BlockLeaf, patterns: Uint8Array, histogram: Float64Array | undefined, codes: number, mass: Float64Array): void => {
  const players = leaf.demands.length
  mass.fill(0, 0, 1 << players)
  if (histogram !== undefined) {
    for (let raw = 0; raw < codes; raw++) mass[patterns[raw]!] = mass[patterns[raw]!]! + histogram[raw]!
    return
  }
  for (let pattern = 0; pattern < 1 << players; pattern++) {
    let product = 1
    for (const [j, { share }] of leaf.demands.entries()) product *= (pattern >> j) & 1 ? share : 1 - share
    mass[pattern] = product
  }
}

const PLAYERS_MAX = 2 * QUAD

/** Fills `rows` (raw pattern × 8 players, float64) with the block's attributions. */
const blockRows = (block: Block, histogram: Float64Array | undefined, total: number, rows: Float64Array, space: Workspace): void => {
  const codes = 1 << block.conditions.length
  rows.fill(0, 0, codes * PLAYERS_MAX)
  for (const leaf of block.leaves) {
    if (leaf.value === 0) continue
    const players = leaf.demands.length
    patternsOf(leaf, codes, space.patterns)
    massOf(leaf, space.patterns, histogram, codes, space.mass)
    leafGame(players, space.mass, space.game)
    const scale = leaf.value / total
    for (let raw = 0; raw < codes; raw++) {
      const from = space.patterns[raw]! * players
      for (let j = 0; j < players; j++) {
        const to = raw * PLAYERS_MAX + leaf.demands[j]!.player
        rows[to] = rows[to]! + scale * space.game[from + j]!
      }
    }
  }
}

interface Workspace {
  readonly patterns: Uint8Array
  readonly mass: Float64Array
  readonly game: Float64Array
}

const histogramOf = (codes: Uint8Array, block: number, blocks: number, code: Uint8Array, size: number, out: Float64Array): number => {
  const counts = new Uint32Array(256)
  for (let at = block; at < codes.length; at += blocks) counts[codes[at]!] = counts[codes[at]!]! + 1
  let likely = 0
  for (let raw = 0; raw < size; raw++) {
    out[raw] = counts[code[raw]!]!
    if (out[raw]! > out[likely]!) likely = raw
  }
  return likely
}

/** Table at [code][block], codes flipped so that each block's commonest is 0: one row in use then lies beside the next. */
const fillTable = (
  memory: KernelMemory,
  layout: BlockLayout,
  blocks: readonly Block[],
  codes: Uint8Array | undefined,
  total: number,
): void => {
  const { bits } = layout
  const size = 1 << bits
  const code = reversed(bits)
  const flips = new Uint8Array(memory.buffer(), layout.flips, layout.blocks)
  const table = new Float32Array(memory.buffer(), layout.table, layout.tableBytes / 4)
  const space = { patterns: new Uint8Array(size), mass: new Float64Array(size), game: new Float64Array(size * PLAYERS_MAX) }
  const rows = new Float64Array(size * PLAYERS_MAX)
  const histogram = codes === undefined ? undefined : new Float64Array(size)
  for (const [b, block] of blocks.entries()) {
    const used = 1 << block.conditions.length
    const likely = histogram && codes ? histogramOf(codes, b, layout.blocks, code, used, histogram) : block.likely
    blockRows(block, histogram, total, rows, space)
    const flip = code[likely]!
    flips[b] = flip
    for (let raw = 0; raw < used; raw++) {
      const at = ((code[raw]! ^ flip) * layout.blocks + b) * (ROW_BYTES / 4)
      roundInto(table, at, rows, raw * PLAYERS_MAX, block.players.length)
    }
  }
}

/**
 * Rounds one table row to float32 so that its sum survives: what the others lose, the smallest entry gains, whose own rounding is the
 * finest. Attributions then add up to the margin more closely than float32 entries taken one by one would.
 */
const roundInto = (table: Float32Array, at: number, row: Float64Array, from: number, players: number): void => {
  let smallest = 0
  let lost = 0
  for (let j = 0; j < players; j++) {
    const value = row[from + j]!
    table[at + j] = value
    lost += value - table[at + j]!
    if (Math.abs(value) < Math.abs(row[from + smallest]!)) smallest = j
  }
  table[at + smallest] = table[at + smallest]! + lost
}

const checkInput = ({ features, trees }: TreeEnsemble, perspective: Perspective): void => {
  if (perspective.kind === 'interventional') {
    const rows = perspective.background.length / features
    if (!Number.isInteger(rows) || rows < 1) throw new Error(`the background must hold one or more whole rows of ${features} features`)
    return
  }
  const bare = trees.findIndex((tree) => tree.cover.some((cover) => !(cover > 0)))
  if (bare !== -1) throw new Error(`tree ${bare} has nodes without cover; path-dependent attributions need nodes_hitrates in the ONNX file`)
}

/** Where the tables lie in kernel memory: good in every copy of that memory. */
export interface ShapLayout extends Pick<BlockLayout, 'record' | 'row' | 'out' | 'tableBytes' | 'laneRows' | 'laneOuts'> {
  readonly features: number
}

/**
 * Builds the tables for an ensemble of trees of depth 8 or less (base is ignored). Exact but for float32 table entries.
 * Source of the method: Shapley values by leaf patterns (see leaf-game.ts), grouped into blocks of at most eight conditions.
 * @throws Error where a tree is too deep, or the tables would not fit.
 */
export const writeBlocks = (memory: KernelMemory, ensemble: TreeEnsemble, perspective: Perspective): ShapLayout => {
  checkInput(ensemble, perspective)
  const { features, trees } = ensemble
  const bits = conditionsMax(Math.max(0, ...trees.map((tree) => treeDepth(tree))))
  const blocks = trees.flatMap((tree) => blocksOf(tree, bits))
  const layout = writeBlockLayout(memory, blocks, bits, features)
  const interventional = perspective.kind === 'interventional'
  const codes = interventional ? backgroundCodes(memory, layout, perspective.background, features) : undefined
  fillTable(memory, layout, blocks, codes, interventional ? perspective.background.length / features : 1)
  const { record, row, out, tableBytes, laneRows, laneOuts } = layout
  return { record, row, out, tableBytes, laneRows, laneOuts, features }
}

const viewsOf = (buffer: ArrayBuffer, row: number, out: number, laneRows: number, laneOuts: number, features: number) => ({
  row: new Float32Array(buffer, row, features),
  out: new Float64Array(buffer, out, features),
  laneRows: new Float32Array(buffer, laneRows, features * ROWS_A_CALL),
  laneOuts: new Float64Array(buffer, laneOuts, features * ROWS_A_CALL),
})

/** Attributions by tables that {@link writeBlocks} laid out in this memory, or in the one it is a copy of. */
export const blockShapAt = (memory: KernelMemory, layout: ShapLayout): BlockShap => {
  const { features } = layout
  let buffer: ArrayBuffer | undefined
  let views = viewsOf(new ArrayBuffer(0), 0, 0, 0, 0, 0)
  const refresh = (): void => {
    if (buffer === memory.buffer()) return
    buffer = memory.buffer()
    views = viewsOf(buffer, layout.row, layout.out, layout.laneRows, layout.laneOuts, features)
  }
  const attribute = (vectors: Float32Array, at: number, out: Float64Array): void => {
    refresh()
    const { row } = views
    for (let i = 0; i < features; i++) row[i] = vectors[at + i]!
    memory.kernels.blockShap(layout.record, layout.row)
    out.set(views.out)
  }
  const attributeRows = (vectors: Float32Array, at: number, rows: number, out: Float64Array): void => {
    refresh()
    const { laneRows, laneOuts } = views
    for (let from = 0; from < rows; from += ROWS_A_CALL) {
      const taken = Math.min(ROWS_A_CALL, rows - from)
      laneRows.set(vectors.subarray(at + from * features, at + (from + taken) * features))
      memory.kernels.blockShaps(layout.record, taken)
      for (let r = 0; r < taken; r++) {
        const to = (from + r) * features
        const pair = (r >> 1) * features * 2 + (r & 1)
        for (let i = 0; i < features; i++) out[to + i] = laneOuts[pair + 2 * i]!
      }
    }
  }
  return { attribute, attributeRows, tableBytes: layout.tableBytes }
}

/** Both in one: {@link writeBlocks}, {@link blockShapAt}. */
export const blockShap = (memory: KernelMemory, ensemble: TreeEnsemble, perspective: Perspective): BlockShap =>
  blockShapAt(memory, writeBlocks(memory, ensemble, perspective))
