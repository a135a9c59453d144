/** Suggestions for misspelt names. */

/** Levenshtein distance: insertions, deletions and substitutions that turn one string into the other. */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** The known names closest to `name`, best first, at most three. */
export const nearestNames = (name: string, known: readonly string[]): string[] =>
  known
    // Relative to length: else the shortest names would be near to everything.
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) / Math.max(name.length, candidate.length) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
