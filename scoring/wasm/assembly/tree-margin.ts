// Margin of a tree ensemble. Eight trees walk side by side, so that the loads of one hide behind those of the others; a step has no
// branch, and a leaf leads to itself, so that a group of eight takes as many steps as its deepest tree. The plain twin is tree-margin-plain.ts.
//
// A group is an array of 8-byte nodes, the eight roots first: f32 threshold (a leaf: its value), u16 byte offset of the feature
// within the prepared row, u16 index of the left child, whose right sibling follows it. A leaf reads the cell that
// holds -Infinity, never goes right, and names itself as its left child.

/** Rows a pass takes through one group before the next: 32 prepared rows and a group's nodes stay in the first-level cache. */
const ROWS_A_PASS: i32 = 32

function step(nodes: usize, at: u32, row: usize): u32 {
  const node = nodes + ((<usize>at) << 3)
  return load<u16>(node, 6) + u32(load<f32>(row + load<u16>(node, 4)) > load<f32>(node))
}

function leaf(nodes: usize, at: u32): f64 {
  return <f64>load<f32>(nodes + ((<usize>at) << 3))
}

/** Sum of the eight leaves the row reaches, in a fixed order of additions. */
function groupSum(nodes: usize, steps: u32, row: usize): f64 {
  let a: u32 = 0,
    b: u32 = 1,
    c: u32 = 2,
    d: u32 = 3,
    e: u32 = 4,
    f: u32 = 5,
    g: u32 = 6,
    h: u32 = 7
  for (; steps != 0; steps--) {
    a = step(nodes, a, row)
    b = step(nodes, b, row)
    c = step(nodes, c, row)
    d = step(nodes, d, row)
    e = step(nodes, e, row)
    f = step(nodes, f, row)
    g = step(nodes, g, row)
    h = step(nodes, h, row)
  }
  return (
    leaf(nodes, a) +
    leaf(nodes, b) +
    (leaf(nodes, c) + leaf(nodes, d)) +
    (leaf(nodes, e) + leaf(nodes, f) + (leaf(nodes, g) + leaf(nodes, h)))
  )
}

/** Copies a row twice, missing as -Infinity (goes left) and as +Infinity (goes right), then the leaves' cell of -Infinity. */
function prepare(row: usize, features: i32, out: usize): void {
  const right = (<usize>features) << 2
  for (let i: usize = 0; i < right; i += 4) {
    const x = load<f32>(row + i)
    const missing = x != x
    store<f32>(out + i, missing ? -Infinity : x)
    store<f32>(out + right + i, missing ? Infinity : x)
  }
  store<f32>(out + right + right, -Infinity)
}

/**
 * out[r] = base + Σ trees, float64, for `count` rows of `features` float32 at `rows`. `groups`: pairs (address of nodes, steps), u32.
 * `scratch` holds 32 prepared rows of (2 · features + 1) float32. The order of additions does not depend on `count`.
 */
export function treeMargins(
  rows: usize,
  count: i32,
  features: i32,
  groups: usize,
  groupCount: i32,
  base: f64,
  scratch: usize,
  out: usize,
): void {
  const preparedBytes = ((<usize>features) << 3) + 4
  const rowBytes = (<usize>features) << 2
  for (let from: i32 = 0; from < count; from += ROWS_A_PASS) {
    const taken = min(ROWS_A_PASS, count - from)
    for (let r: i32 = 0; r < taken; r++) {
      prepare(rows + <usize>(from + r) * rowBytes, features, scratch + <usize>r * preparedBytes)
      store<f64>(out + ((<usize>(from + r)) << 3), base)
    }
    for (let g: i32 = 0; g < groupCount; g++) {
      const nodes = <usize>load<u32>(groups + ((<usize>g) << 3))
      const steps = load<u32>(groups + ((<usize>g) << 3), 4)
      let sum = out + ((<usize>from) << 3)
      let row = scratch
      for (let r: i32 = 0; r < taken; r++) {
        store<f64>(sum, load<f64>(sum) + groupSum(nodes, steps, row))
        sum += 8
        row += preparedBytes
      }
    }
  }
}
