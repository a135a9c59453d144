// Attributions by block tables: the attribution a small subtree (a block) gives depends only on which of at most eight node conditions the
// row meets, so it was computed beforehand for every pattern of conditions. Here the patterns are formed and the tables added up.
//
// Five passes over one row: bin the features to u8; form the codes of 16 blocks at a time, bit by bit; gather each block's table row of two
// quads of float32; add the first quad to an accumulator shared by blocks with the same first four players; sum the lanes of each feature in float64.
// The oracles are shap/plain-interventional.ts and shap/plain-path-dependent.ts.

// Offsets of the fields of the layout record that shap/block-layout.ts writes (u32 each).
const BINNING: usize = 0,
  BINNINGS: usize = 4,
  CHUNKS: usize = 8,
  BINS: usize = 12,
  BITS: usize = 16,
  GROUPS: usize = 20
const CONDITIONS: usize = 24,
  FLIPS: usize = 28,
  CODES: usize = 32,
  TABLE: usize = 36,
  ACCUMULATORS: usize = 40
const SEGMENTS: usize = 44,
  SEGMENT_COUNT: usize = 48,
  FEATURES: usize = 52,
  OUT: usize = 56
const LANE_ROWS: usize = 60,
  LANE_BINS: usize = 64,
  LANE_CODES: usize = 68,
  LANE_OUTS: usize = 72

/**
 * Bins: the number of thresholds below the value; missing takes the bin whose conditions are those of its directions. Columns stand 2^spread
 * bytes apart.
 */
function bin(layout: usize, row: usize, bins: usize, spread: usize): void {
  let spec = <usize>load<u32>(layout, BINNING)
  const end = spec + <usize>load<u32>(layout, BINNINGS) * 16
  for (; spec < end; spec += 16) {
    const x = load<f32>(row + <usize>load<u32>(spec))
    const column = bins + ((<usize>load<u16>(spec, 8)) << spread)
    if (x != x) {
      store<u8>(column, load<u8>(spec, 11))
      continue
    }
    const thresholds = <usize>load<u32>(spec, 4)
    let at: usize = 0
    for (let half: usize = (4 << (<usize>load<u8>(spec, 10))) >> 1; half >= 4; half >>= 1)
      at += select<usize>(half, 0, x > load<f32>(thresholds + at + half - 4))
    store<u8>(column, <u8>(at >> 2))
  }
}

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

// The same for up to 64 rows side by side, bit for bit: each row's additions are those above in the same order. What is gained: a condition is
// compared for 16 rows at once, without the swizzles that find its column; the stretch of the table that a segment needs is read by all rows
// while it is in the cache, where row after row each would fetch all of it again; and two rows' lanes lie side by side, so that one load
// and one addition serve both.

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

/** As {@link gather}, for two rows: `codes` holds both codes of a block in a row, and the next block's 16 bytes on. */
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

/** As {@link reduce}, for two rows: `out` holds both totals of a feature side by side. */
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
