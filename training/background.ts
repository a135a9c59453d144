/** The rows explanations compare an applicant with: people who were approved, but only just. */
import { type Dataset, takeRows } from './dataset.ts'

const BACKGROUND_ROWS = 1000
export const BACKGROUND_RULE = 'training applications approved by their out-of-fold probability of bad, nearest below the refer cut-off'

/**
 * The `rows` approvals nearest the cut-off; ties by row order. Regulation B's official interpretation (12 CFR 1002.9(b)(2)-5) names
 * as one method the comparison with applicants whose scores were at or slightly above the minimum passing score.
 */
export const chooseBackground = (data: Dataset, outOfFold: Float64Array, cutOff: number, rows = BACKGROUND_ROWS): Dataset => {
  const approved = Array.from(outOfFold.keys()).filter((row) => outOfFold[row]! < cutOff)
  if (approved.length === 0)
    throw Object.assign(
      new Error(`no application scores below the refer cut-off ${cutOff}; check the outcomes and the lending economics`),
      {
        code: 'nobody-approved',
      },
    )
  return takeRows(data, approved.toSorted((a, b) => outOfFold[b]! - outOfFold[a]! || a - b).slice(0, rows))
}

/** Row-major little-endian float32, as `background.f32` holds them. */
export const backgroundBytes = (background: Dataset): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(background.values.length * 4))
  background.values.forEach((value, index) => bytes.setFloat32(index * 4, value, true))
  return new Uint8Array(bytes.buffer)
}
