/** Lays the blocks out in kernel memory; field for field what assembly/block-shap.ts reads. */
import type { KernelMemory } from '../wasm/kernel-memory.ts'
import { accumulatorPlan, type Segment } from './accumulator-plan.ts'
import { binningOf, type Binning, type Column } from './binning.ts'
import type { Block } from './blocks.ts'

/** Blocks whose codes are formed at once. */
const BLOCKS_A_GROUP = 16
/** Table row: two quads of float32. */
export const ROW_BYTES = 32
/** Least bin no byte column reaches in column 0: an absent condition is never true. */
const NEVER = 255
/** Rows that stand in the lanes of one vector, and those that one call takes: their codes (16 bytes a block and 16 rows) stay in the second-level cache. */
const LANES = 16
export const ROWS_A_CALL = 64
/** Chunks of 16 columns the kernel keeps in registers. */
const CHUNKS_MIN = 4

export interface BlockLayout {
  /** Address of the record the kernels take. */
  readonly record: number
  /** Address of the explained row. */
  readonly row: number
  /** Number of blocks, padding included. */
  readonly blocks: number
  /** Conditions a code has room for; condition i of a block is bit `bits − 1 − i` of its code. */
  readonly bits: number
  readonly flips: number
  readonly codes: number
  readonly table: number
  readonly out: number
  readonly tableBytes: number
  /** Address of the rows that are explained side by side, and of what is said of them: pairs of rows, feature by feature, two float64 each. */
  readonly laneRows: number
  readonly laneOuts: number
}

/** Thresholds padded with +Infinity to 2^k − 1, so that every search takes k steps. */
const padded = ({ thresholds }: Column): { steps: number; values: Float32Array } => {
  const steps = Math.ceil(Math.log2(thresholds.length + 1))
  const values = new Float32Array((1 << steps) - 1).fill(Infinity)
  values.set(thresholds)
  return { steps, values }
}

const conditionBytes = (blocks: readonly Block[], groups: number, bits: number, binning: Binning): Uint8Array => {
  const bytes = new Uint8Array(groups * bits * 2 * BLOCKS_A_GROUP)
  for (let g = 0; g < groups; g++)
    for (let b = 0; b < bits; b++)
      for (let lane = 0; lane < BLOCKS_A_GROUP; lane++) {
        const condition = blocks[g * BLOCKS_A_GROUP + lane]?.conditions[b]
        const place = condition === undefined ? { column: 0, least: NEVER } : binning.locate(condition)
        const at = (g * bits + b) * 2 * BLOCKS_A_GROUP + lane
        bytes[at] = place.column
        bytes[at + BLOCKS_A_GROUP] = place.least
      }
  return bytes
}

const writeBinning = (memory: KernelMemory, { columns }: Binning, bins: number): number => {
  const specs = columns.map((column) => ({ ...column, ...padded(column) }))
  const table = memory.allocate(Math.max(1, specs.length) * 16)
  const addresses = specs.map(({ values }) => memory.allocate(Math.max(4, values.byteLength)))
  const view = new DataView(memory.buffer())
  for (const [index, { feature, steps, values, missingBin }] of specs.entries()) {
    new Float32Array(memory.buffer(), addresses[index], values.length).set(values)
    view.setUint32(table + index * 16, feature * 4, true)
    view.setUint32(table + index * 16 + 4, addresses[index]!, true)
    view.setUint16(table + index * 16 + 8, index + 1, true)
    view.setUint8(table + index * 16 + 10, steps)
    view.setUint8(table + index * 16 + 11, missingBin)
  }
  new Uint8Array(memory.buffer())[bins] = 0
  return table
}

const put = (memory: KernelMemory, bytes: Uint8Array | Uint16Array | Uint32Array): number => {
  const at = memory.allocate(Math.max(1, bytes.byteLength))
  new Uint8Array(memory.buffer(), at, bytes.byteLength).set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  return at
}

const writeSegments = (memory: KernelMemory, segments: readonly Segment[]): number =>
  put(
    memory,
    Uint32Array.from(
      segments.flatMap((s) => [s.first, s.count, put(memory, s.shared), s.sharedBytes, put(memory, s.lanes), put(memory, s.lengths)]),
    ),
  )

/** Allocates and writes all but the flips and the table, which stay zero. */
export const writeBlockLayout = (memory: KernelMemory, blocks: readonly Block[], bits: number, features: number): BlockLayout => {
  const groups = Math.max(1, Math.ceil(blocks.length / BLOCKS_A_GROUP))
  const count = groups * BLOCKS_A_GROUP
  const binning = binningOf(blocks.flatMap((block) => block.conditions))
  const segments = accumulatorPlan(blocks, count, features)
  const chunks = Math.max(CHUNKS_MIN, Math.ceil((binning.columns.length + 1) / 16))
  const bins = memory.allocate(chunks * 16)
  const specs = writeBinning(memory, binning, bins)
  const conditions = put(memory, conditionBytes(blocks, groups, bits, binning))
  const flips = memory.allocate(count)
  const codes = memory.allocate(count)
  const accumulators = memory.allocate(2 * Math.max(...segments.map((s) => s.sharedBytes + s.count * 16)))
  const segmentTable = writeSegments(memory, segments)
  const out = memory.allocate(features * 8)
  const row = memory.allocate(features * 4)
  const laneRows = memory.allocate(ROWS_A_CALL * features * 4)
  const laneBins = memory.allocate((binning.columns.length + 1) * LANES)
  const laneCodes = memory.allocate(count * ROWS_A_CALL)
  const laneOuts = memory.allocate(ROWS_A_CALL * features * 8)
  const tableBytes = (count * ROW_BYTES) << bits
  const table = memory.allocate(tableBytes)
  const record = put(
    memory,
    // In the order of the offsets at the head of assembly/block-shap.ts.
    Uint32Array.from(
      [
        [specs, binning.columns.length, chunks, bins, bits, groups, conditions, flips, codes, table],
        [accumulators, segmentTable, segments.length, features, out],
        [laneRows, laneBins, laneCodes, laneOuts],
      ].flat(),
    ),
  )
  return { record, row, blocks: count, bits, flips, codes, table, out, tableBytes, laneRows, laneOuts }
}
