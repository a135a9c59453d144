/**
 * Local outlier factor against a fixed sample: how much thinner the neighbourhood of a row is than those of its neighbours. M. M. Breunig, H.-P. Kriegel,
 * R. T. Ng, J. Sander, "LOF: Identifying Density-Based Local Outliers", SIGMOD 2000.
 */

/** Keeps the density of rows that coincide finite. */
const DISTANCE_MIN = 1e-10

export interface Neighbours {
  /** Rows of the sample, nearest first; of equally near ones the first. */
  readonly rows: Int32Array
  readonly distances: Float64Array
}

/**
 * Squared distance of two rows, or of as much of them as shows that it reaches `bound`; four sums at a time, because each addition waits for the one
 * before it.
 */
const squaredDistance = (a: Float64Array, from: number, b: Float64Array, at: number, columns: number, bound: number): number => {
  let first = 0
  let second = 0
  let third = 0
  let fourth = 0
  let i = 0
  for (; i + 4 <= columns; i += 4) {
    const w = a[from + i]! - b[at + i]!
    const x = a[from + i + 1]! - b[at + i + 1]!
    const y = a[from + i + 2]! - b[at + i + 2]!
    const z = a[from + i + 3]! - b[at + i + 3]!
    first += w * w
    second += x * x
    third += y * y
    fourth += z * z
    if (first + second + (third + fourth) >= bound) return bound
  }
  for (; i < columns; i++) {
    const w = a[from + i]! - b[at + i]!
    first += w * w
  }
  return first + second + (third + fourth)
}

/** The nearest `count` of the sample's rows × d, by Euclidean distance; never row `except`. */
const nearest = (
  sample: Float64Array,
  row: Float64Array,
  at: number,
  columns: number,
  count: number,
  except: number,
  into: Neighbours,
): void => {
  const { rows, distances } = into
  let held = 0
  for (let other = 0, start = 0; start < sample.length; other++, start += columns) {
    if (other === except) continue
    const bound = held < count ? Infinity : distances[held - 1]!
    const squares = squaredDistance(sample, start, row, at, columns, bound)
    if (squares >= bound) continue
    let place = held < count ? held++ : held - 1
    for (; place > 0 && distances[place - 1]! > squares; place--) {
      distances[place] = distances[place - 1]!
      rows[place] = rows[place - 1]!
    }
    distances[place] = squares
    rows[place] = other
  }
  for (let i = 0; i < held; i++) distances[i] = Math.sqrt(distances[i]!)
}

/**
 * Factor of the row at `row[at .. at + d)`: about 1 as dense as its neighbours' places, larger thinner. O(rows · d) a row, nothing allocated.
 * @param sample rows × d, more rows than `count`. @throws RangeError where it has too few.
 */
export const localOutlierFactor = (sample: Float64Array, columns: number, count: number): ((row: Float64Array, at: number) => number) => {
  const rows = sample.length / columns
  if (!(count >= 1 && count < rows)) throw new RangeError(`${rows} reference rows cannot have ${count} neighbours each; use more rows`)
  const found: Neighbours = { rows: new Int32Array(count), distances: new Float64Array(count) }
  const neighbours = new Int32Array(rows * count)
  const distances = new Float64Array(rows * count)
  for (let row = 0; row < rows; row++) {
    nearest(sample, sample, row * columns, columns, count, row, found)
    neighbours.set(found.rows, row * count)
    distances.set(found.distances, row * count)
  }
  const densities = new Float64Array(rows)
  const density = (near: Int32Array, away: Float64Array, from: number): number => {
    let reach = 0
    for (let i = from; i < from + count; i++) reach += Math.max(away[i]!, distances[near[i]! * count + count - 1]!)
    return 1 / (reach / count + DISTANCE_MIN)
  }
  for (let row = 0; row < rows; row++) densities[row] = density(neighbours, distances, row * count)
  return (row, at) => {
    nearest(sample, row, at, columns, count, -1, found)
    let sum = 0
    for (let i = 0; i < count; i++) sum += densities[found.rows[i]!]!
    return sum / count / density(found.rows, found.distances, 0)
  }
}
