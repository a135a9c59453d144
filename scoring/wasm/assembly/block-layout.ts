// Offsets of the fields of the layout record that shap/block-layout.ts writes (u32 each).
export const BINNING: usize = 0,
  BINNINGS: usize = 4,
  CHUNKS: usize = 8,
  BINS: usize = 12,
  BITS: usize = 16,
  GROUPS: usize = 20
export const CONDITIONS: usize = 24,
  FLIPS: usize = 28,
  CODES: usize = 32,
  TABLE: usize = 36,
  ACCUMULATORS: usize = 40
export const SEGMENTS: usize = 44,
  SEGMENT_COUNT: usize = 48,
  FEATURES: usize = 52,
  OUT: usize = 56
export const LANE_ROWS: usize = 60,
  LANE_BINS: usize = 64,
  LANE_CODES: usize = 68,
  LANE_OUTS: usize = 72

/**
 * Bins: the number of thresholds below the value; missing takes the bin whose conditions are those of its directions. Columns stand 2^spread
 * bytes apart.
 */
export function bin(layout: usize, row: usize, bins: usize, spread: usize): void {
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
