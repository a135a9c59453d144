/** Symmetric positive-definite systems by Cholesky decomposition; sizes here are below twenty. */

/** Lower factor L of A = L·Lᵀ, row-major n × n. Throws where A is not positive definite. */
const cholesky = (matrix: Float64Array, size: number): Float64Array => {
  const lower = new Float64Array(size * size)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = matrix[row * size + column]!
      for (let inner = 0; inner < column; inner++) sum -= lower[row * size + inner]! * lower[column * size + inner]!
      if (row !== column) {
        lower[row * size + column] = sum / lower[column * size + column]!
        continue
      }
      if (!(sum > 0))
        throw new RangeError(
          `the information matrix is singular at column ${row}: two inputs carry the same facts; drop one or add a ridge`,
        )
      lower[row * size + row] = Math.sqrt(sum)
    }
  }
  return lower
}

const substitute = (lower: Float64Array, right: Float64Array): Float64Array => {
  const size = right.length
  const result = right.slice()
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < row; inner++) result[row] = result[row]! - lower[row * size + inner]! * result[inner]!
    result[row] = result[row]! / lower[row * size + row]!
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let inner = row + 1; inner < size; inner++) result[row] = result[row]! - lower[inner * size + row]! * result[inner]!
    result[row] = result[row]! / lower[row * size + row]!
  }
  return result
}

/** x of A·x = b, A symmetric positive definite, row-major. */
export const solve = (matrix: Float64Array, right: Float64Array): Float64Array => substitute(cholesky(matrix, right.length), right)

/** A⁻¹, row-major. */
export const invert = (matrix: Float64Array, size: number): Float64Array => {
  const lower = cholesky(matrix, size)
  const inverse = new Float64Array(size * size)
  for (let column = 0; column < size; column++) {
    const unit = new Float64Array(size)
    unit[column] = 1
    inverse.set(substitute(lower, unit), column * size)
  }
  return inverse
}
