/** Branded units. A value of one of these types was checked where it entered; nothing else may build one. */

declare const unit: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [unit]: Name }

/** Milliseconds since 1970-01-01T00:00:00Z, an integer. */
export type EpochMs = Branded<number, 'EpochMs'>
/** Money in minor units of the accompanying ISO 4217 currency, an integer of magnitude at most {@link MONEY_MINOR_MAX}. */
export type MoneyMinor = Branded<number, 'MoneyMinor'>
/** A probability in [0, 1]. */
export type Probability = Branded<number, 'Probability'>
/** Scorecard points: 600 at odds of 50:1 good:bad, 20 points double the odds, higher is safer. */
export type Points = Branded<number, 'Points'>
/** Position of a record within its partition, counted from 0. */
export type Offset = Branded<number, 'Offset'>
/** Pseudonym of a borrower; the key by which the input log is partitioned. */
export type ApplicantId = Branded<string, 'ApplicantId'>

/** Largest money magnitude in minor units: sums of 9,000 such values stay exact in a float64 (2^53 ≈ 9.007e15). */
export const MONEY_MINOR_MAX = 1_000_000_000_000

export const epochMs = (value: number): EpochMs => {
  if (!Number.isSafeInteger(value)) throw new RangeError(`epoch milliseconds must be a safe integer, got ${value}`)
  return value as EpochMs
}

export const moneyMinor = (value: number): MoneyMinor => {
  if (!Number.isInteger(value) || Math.abs(value) > MONEY_MINOR_MAX)
    throw new RangeError(`money must be an integer of minor units within ±${MONEY_MINOR_MAX}, got ${value}`)
  return value as MoneyMinor
}

export const probability = (value: number): Probability => {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`a probability lies in [0, 1], got ${value}`)
  return value as Probability
}

export const points = (value: number): Points => {
  if (!Number.isFinite(value)) throw new RangeError(`points must be finite, got ${value}`)
  return value as Points
}

export const offset = (value: number): Offset => {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`an offset is an integer from 0, got ${value}`)
  return value as Offset
}

export const applicantId = (value: string): ApplicantId => value as ApplicantId
