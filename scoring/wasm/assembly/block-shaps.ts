// As block-shap.ts, for up to 64 rows side by side, bit for bit: each row's additions are those there in the same order. What is gained: a condition is
// compared for 16 rows at once, without the swizzles that find its column; the stretch of the table that a segment needs is read by all rows
// while it is in the cache, where row after row each would fetch all of it again; and two rows' lanes lie side by side, so that one load
// and one addition serve both.

import {
  ACCUMULATORS,
  bin,
  BITS,
  CONDITIONS,
  FEATURES,
  FLIPS,
  GROUPS,
  LANE_BINS,
  LANE_CODES,
  LANE_OUTS,
  LANE_ROWS,
  SEGMENT_COUNT,
  SEGMENTS,
  TABLE,
} from './block-layout'

/** Rows whose bins and codes stand in the lanes of one vector. */
const LANES: usize = 16

/** One condition of a block, for the lanes of `bins`: shifted into their codes. */
function shiftIn(code: v128, condition: usize, bins: usize): v128 {
  const value = v128.load(bins + ((<usize>load<u8>(condition)) << 4))
  return i8x16.sub(i8x16.add(code, code), i8x16.ge_u(value, v128.load_splat<u8>(condition, 16)))
}

/** Codes of all blocks for 16 rows, 16 bytes a block. */
function encodeLanes(layout: usize, bins: usize, codes: usize): void {
  const eighth = load<u32>(layout, BITS) == 8
  const groupBytes: usize = eighth ? 256 : 224
  let flips = <usize>load<u32>(layout, FLIPS)
  let group = <usize>load<u32>(layout, CONDITIONS)
  const end = group + <usize>load<u32>(layout, GROUPS) * groupBytes
  for (; group < end; group += groupBytes)
    for (let block: usize = group; block < group + LANES; block++) {
      let code = i8x16.splat(0)
      code = shiftIn(code, block, bins)
      code = shiftIn(code, block + 32, bins)
      code = shiftIn(code, block + 64, bins)
      code = shiftIn(code, block + 96, bins)
      code = shiftIn(code, block + 128, bins)
      code = shiftIn(code, block + 160, bins)
      code = shiftIn(code, block + 192, bins)
      if (eighth) code = shiftIn(code, block + 224, bins)
      v128.store(codes, v128.xor(code, v128.load_splat<u8>(flips)))
      flips += 1
      codes += LANES
    }
}

/** One block of a pair of rows: their quads are laid lane beside lane, the first added up, the second kept. */
function gatherBlock(a: usize, b: usize, sum: usize, own: usize): void {
  const a0 = v128.load(a),
    b0 = v128.load(b),
    a1 = v128.load(a, 16),
    b1 = v128.load(b, 16)
  v128.store(sum, f32x4.add(v128.load(sum), v128.shuffle<f32>(a0, b0, 0, 4, 1, 5)))
  v128.store(sum, f32x4.add(v128.load(sum, 16), v128.shuffle<f32>(a0, b0, 2, 6, 3, 7)), 16)
  v128.store(own, v128.shuffle<f32>(a1, b1, 0, 4, 1, 5))
  v128.store(own, v128.shuffle<f32>(a1, b1, 2, 6, 3, 7), 16)
}

/** As `gather` of one row, for two rows: `codes` holds both codes of a block in a row, and the next block's 16 bytes on. */
function gatherPair(segment: usize, layoutTable: usize, stride: usize, codes: usize, accumulators: usize): void {
  const first = <usize>load<u32>(segment)
  const count = <usize>load<u32>(segment, 4)
  const sharedBytes = (<usize>load<u32>(segment, 12)) << 1
  memory.fill(accumulators, 0, sharedBytes)
  let shared = <usize>load<u32>(segment, 8)
  let own = accumulators + sharedBytes
  let table = layoutTable + (first << 5)
  let code = codes + (first << 4)
  const end = code + (count << 4)
  while (code < end) {
    gatherBlock(
      table + <usize>load<u8>(code, 0) * stride,
      table + <usize>load<u8>(code, 1) * stride,
      accumulators + ((<usize>load<u16>(shared)) << 1),
      own,
    )
    gatherBlock(
      table + 32 + <usize>load<u8>(code, 16) * stride,
      table + 32 + <usize>load<u8>(code, 17) * stride,
      accumulators + ((<usize>load<u16>(shared, 2)) << 1),
      own + 32,
    )
    code += 32
    shared += 4
    own += 64
    table += 64
  }
}

function lanePair(accumulators: usize, list: usize, offset: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(accumulators + ((<usize>load<u16>(list + offset)) << 1)))
}

/** As `reduce` of one row, for two rows: `out` holds both totals of a feature side by side. */
function reducePair(segment: usize, features: u32, accumulators: usize, out: usize): void {
  let list = <usize>load<u32>(segment, 16)
  let length = <usize>load<u32>(segment, 20)
  for (const last = out + ((<usize>features) << 4); out < last; out += 16) {
    const end = list + ((<usize>load<u16>(length)) << 1)
    length += 2
    let a = f64x2.splat(0),
      b = f64x2.splat(0),
      c = f64x2.splat(0),
      d = f64x2.splat(0)
    for (; list < end; list += 8) {
      a = f64x2.add(a, lanePair(accumulators, list, 0))
      b = f64x2.add(b, lanePair(accumulators, list, 2))
      c = f64x2.add(c, lanePair(accumulators, list, 4))
      d = f64x2.add(d, lanePair(accumulators, list, 6))
    }
    v128.store(out, f64x2.add(v128.load(out), f64x2.add(f64x2.add(a, b), f64x2.add(c, d))))
  }
}

/** Attributions of `count` rows (64 at most) in the LANE_ROWS buffer, left in LANE_OUTS: pairs of rows, feature by feature, two float64 each. */
export function blockShaps(layout: usize, count: u32): void {
  const features = load<u32>(layout, FEATURES)
  const rows = <usize>load<u32>(layout, LANE_ROWS)
  const bins = <usize>load<u32>(layout, LANE_BINS)
  const codes = <usize>load<u32>(layout, LANE_CODES)
  const groups = <usize>load<u32>(layout, GROUPS)
  const codesBytes = groups << 8
  for (let from: u32 = 0; from < count; from += <u32>LANES) {
    const taken = min(<u32>LANES, count - from)
    for (let r: u32 = 0; r < taken; r++) bin(layout, rows + ((<usize>((from + r) * features)) << 2), bins + r, 4)
    encodeLanes(layout, bins, codes + <usize>(from >> 4) * codesBytes)
  }
  const outs = <usize>load<u32>(layout, LANE_OUTS)
  const pairBytes = (<usize>features) << 4
  const pairs = (count + 1) >> 1
  memory.fill(outs, 0, <usize>pairs * pairBytes)
  const accumulators = <usize>load<u32>(layout, ACCUMULATORS)
  const table = <usize>load<u32>(layout, TABLE)
  let segment = <usize>load<u32>(layout, SEGMENTS)
  const end = segment + <usize>load<u32>(layout, SEGMENT_COUNT) * 24
  for (; segment < end; segment += 24)
    for (let pair: u32 = 0; pair < pairs; pair++) {
      gatherPair(segment, table, groups << 9, codes + <usize>(pair >> 3) * codesBytes + ((<usize>(pair & 7)) << 1), accumulators)
      reducePair(segment, features, accumulators, outs + <usize>pair * pairBytes)
    }
}
