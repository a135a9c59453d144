// Attributions by block tables: the attribution a small subtree (a block) gives depends only on which of at most eight node conditions the
// row meets, so it was computed beforehand for every pattern of conditions. Here the patterns are formed and the tables added up.
//
// Five passes over one row: bin the features to u8; form the codes of 16 blocks at a time, bit by bit; gather each block's table row of two
// quads of float32; add the first quad to an accumulator shared by blocks with the same first four players; sum the lanes of each feature in float64.
// The oracles are shap/plain-interventional.ts and shap/plain-path-dependent.ts.

import {
  ACCUMULATORS,
  bin,
  BINS,
  BITS,
  CHUNKS,
  CODES,
  CONDITIONS,
  FEATURES,
  FLIPS,
  GROUPS,
  OUT,
  SEGMENT_COUNT,
  SEGMENTS,
  TABLE,
} from './block-layout'

/** Condition codes of all blocks, one byte each, into the CODES buffer, after the polarity flips. */
function encode(layout: usize): void {
  const bins = <usize>load<u32>(layout, BINS)
  const chunks = load<u32>(layout, CHUNKS)
  const bits = load<u32>(layout, BITS)
  const groups = load<u32>(layout, GROUPS)
  const flips = <usize>load<u32>(layout, FLIPS)
  const codes = <usize>load<u32>(layout, CODES)
  let condition = <usize>load<u32>(layout, CONDITIONS)
  const b0 = v128.load(bins),
    b1 = v128.load(bins, 16),
    b2 = v128.load(bins, 32),
    b3 = v128.load(bins, 48)
  const sixteen = i8x16.splat(16)
  for (let g: usize = 0; g < (<usize>groups) << 4; g += 16) {
    let code = i8x16.splat(0)
    for (let b: u32 = 0; b < bits; b++) {
      let column = v128.load(condition)
      const least = v128.load(condition, 16)
      condition += 32
      // A swizzle answers 0 for indices beyond its 16 lanes, so that each of the chunks gives its own columns only.
      let value = i8x16.swizzle(b0, column)
      column = i8x16.sub(column, sixteen)
      value = v128.or(value, i8x16.swizzle(b1, column))
      column = i8x16.sub(column, sixteen)
      value = v128.or(value, i8x16.swizzle(b2, column))
      column = i8x16.sub(column, sixteen)
      value = v128.or(value, i8x16.swizzle(b3, column))
      for (let c: u32 = 4; c < chunks; c++) {
        column = i8x16.sub(column, sixteen)
        value = v128.or(value, i8x16.swizzle(v128.load(bins + ((<usize>c) << 4)), column))
      }
      code = i8x16.sub(i8x16.add(code, code), i8x16.ge_u(value, least))
    }
    v128.store(codes + g, v128.xor(code, v128.load(flips + g)))
  }
}

/**
 * Adds the table rows of the segment's blocks to its accumulators: first the shared quads, then one quad a block. Eight blocks are written out,
 * so that every address but the row's is a constant offset.
 */
function gather(segment: usize, layoutTable: usize, stride: usize, codes: usize, accumulators: usize): void {
  const first = <usize>load<u32>(segment)
  const count = <usize>load<u32>(segment, 4)
  const sharedBytes = <usize>load<u32>(segment, 12)
  memory.fill(accumulators, 0, sharedBytes)
  let shared = <usize>load<u32>(segment, 8)
  let own = accumulators + sharedBytes
  let table = layoutTable + (first << 5)
  let code = codes + first
  const end = code + count // a multiple of 16
  let row: usize, sum: usize
  while (code < end) {
    row = table + <usize>load<u8>(code, 0) * stride
    sum = accumulators + <usize>load<u16>(shared, 0)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 0)))
    v128.store(own, v128.load(row, 16), 0)
    row = table + <usize>load<u8>(code, 1) * stride
    sum = accumulators + <usize>load<u16>(shared, 2)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 32)))
    v128.store(own, v128.load(row, 48), 16)
    row = table + <usize>load<u8>(code, 2) * stride
    sum = accumulators + <usize>load<u16>(shared, 4)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 64)))
    v128.store(own, v128.load(row, 80), 32)
    row = table + <usize>load<u8>(code, 3) * stride
    sum = accumulators + <usize>load<u16>(shared, 6)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 96)))
    v128.store(own, v128.load(row, 112), 48)
    row = table + <usize>load<u8>(code, 4) * stride
    sum = accumulators + <usize>load<u16>(shared, 8)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 128)))
    v128.store(own, v128.load(row, 144), 64)
    row = table + <usize>load<u8>(code, 5) * stride
    sum = accumulators + <usize>load<u16>(shared, 10)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 160)))
    v128.store(own, v128.load(row, 176), 80)
    row = table + <usize>load<u8>(code, 6) * stride
    sum = accumulators + <usize>load<u16>(shared, 12)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 192)))
    v128.store(own, v128.load(row, 208), 96)
    row = table + <usize>load<u8>(code, 7) * stride
    sum = accumulators + <usize>load<u16>(shared, 14)
    v128.store(sum, f32x4.add(v128.load(sum), v128.load(row, 224)))
    v128.store(own, v128.load(row, 240), 112)
    code += 8
    shared += 16
    own += 128
    table += 256
  }
}

function lane(accumulators: usize, list: usize, offset: usize): f64 {
  return <f64>load<f32>(accumulators + <usize>load<u16>(list + offset))
}

/** Adds every feature's lanes to its total. Lists are padded to four entries with a lane that is always zero. */
function reduce(segment: usize, features: u32, accumulators: usize, out: usize): void {
  let list = <usize>load<u32>(segment, 16)
  let length = <usize>load<u32>(segment, 20)
  for (let feature: usize = 0; feature < (<usize>features) << 3; feature += 8) {
    const end = list + ((<usize>load<u16>(length)) << 1)
    length += 2
    let a: f64 = 0,
      b: f64 = 0,
      c: f64 = 0,
      d: f64 = 0
    for (; list < end; list += 8) {
      a += lane(accumulators, list, 0)
      b += lane(accumulators, list, 2)
      c += lane(accumulators, list, 4)
      d += lane(accumulators, list, 6)
    }
    store<f64>(out + feature, load<f64>(out + feature) + (a + b + (c + d)))
  }
}

/** Codes of a row's blocks, left in the CODES buffer; used to histogram a background. */
export function blockCodes(layout: usize, row: usize): void {
  bin(layout, row, <usize>load<u32>(layout, BINS), 0)
  encode(layout)
}

/** Attributions of the row of float32 at `row`, one float64 a feature, left in the OUT buffer. */
export function blockShap(layout: usize, row: usize): void {
  bin(layout, row, <usize>load<u32>(layout, BINS), 0)
  encode(layout)
  const out = <usize>load<u32>(layout, OUT)
  const features = load<u32>(layout, FEATURES)
  const accumulators = <usize>load<u32>(layout, ACCUMULATORS)
  const table = <usize>load<u32>(layout, TABLE)
  const codes = <usize>load<u32>(layout, CODES)
  const stride = (<usize>load<u32>(layout, GROUPS)) << 9
  memory.fill(out, 0, (<usize>features) << 3)
  let segment = <usize>load<u32>(layout, SEGMENTS)
  const end = segment + <usize>load<u32>(layout, SEGMENT_COUNT) * 24
  for (; segment < end; segment += 24) {
    gather(segment, table, stride, codes, accumulators)
    reduce(segment, features, accumulators, out)
  }
}
