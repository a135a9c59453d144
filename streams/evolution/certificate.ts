/** What was compared before the states of a feature set were put in force, and what came of it. */
export interface FeatureFinding {
  readonly feature: string
  readonly compared: number
  readonly differences: number
  /** The first difference, in words; null where there is none. */
  readonly example: string | null
}

export interface ComparedSet {
  readonly featureSetHash: string
  readonly modelVersion: string
}

export interface Certificate {
  readonly from: ComparedSet
  readonly to: ComparedSet
  /** Epoch ms. */
  readonly comparedAt: number
  /** Per partition, the input offset below which everything was folded when they were compared. */
  readonly comparedAtOffsets: readonly number[]
  /** Applicants drawn by hash, whose whole history was folded again from the log. */
  readonly applicants: number
  /** Vectors read off the states that will be in force, against vectors of that second fold. */
  readonly vectors: number
  /** Decisions of those applicants: what their capsules say of the features both sets have, against that second fold. */
  readonly decisions: number
  /** States of linked entities, against the topic folded again. */
  readonly linkedStates: number
  readonly values: number
  readonly differences: number
  readonly features: readonly FeatureFinding[]
  /** Per partition, the offset at which both sets' states stood when the second took over; null where it did not. */
  readonly cutOver: { readonly at: number; readonly offsets: readonly number[] } | null
}

/** Counts comparisons by feature, bit for bit. */
export class Findings {
  readonly #byFeature = new Map<string, { compared: number; differences: number; example: string | null }>()
  values = 0
  differences = 0

  /** NaN equals NaN: missing is missing. `where` says whose value and of when. */
  compare(feature: string, found: number, expected: number, where: string): void {
    const row = this.#byFeature.get(feature) ?? { compared: 0, differences: 0, example: null }
    this.#byFeature.set(feature, row)
    row.compared++
    this.values++
    if (Object.is(found, expected)) return
    row.differences++
    this.differences++
    row.example ??= `${where}: ${found}, folded again ${expected}`
  }

  rows(): readonly FeatureFinding[] {
    return [...this.#byFeature].map(([feature, row]) => ({ feature, ...row }))
  }
}

/** The features that differ, for a message. */
export const describeDifferences = ({ features, differences, values }: Certificate): string => {
  const wrong = features.filter((row) => row.differences > 0)
  const [first] = wrong
  const named = wrong.slice(0, 5).map((row) => row.feature)
  return `${differences} of ${values} values differ, of ${named.join(', ')}${wrong.length > named.length ? ` and ${wrong.length - named.length} more` : ''}; ${first?.example ?? ''}`
}
