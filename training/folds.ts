/** Cross-validation folds that keep each client whole and each fold's bad rate alike. */
import { seededRandom, shuffle } from './random.ts'
import type { Dataset } from './dataset.ts'

/**
 * Fold (0 … folds − 1) of each row. Clients are stratified by whether any of their applications went bad, shuffled by `seed` within
 * their stratum and dealt in turn; all rows of a client share its fold.
 */
export const assignFolds = (data: Pick<Dataset, 'applicantIds' | 'labels'>, folds: number, seed: number): Uint8Array => {
  const everBad = new Map<string, boolean>()
  data.applicantIds.forEach((client, row) => everBad.set(client, (everBad.get(client) ?? false) || data.labels[row] === 1))
  const clients = [...everBad.keys()].toSorted()
  const random = seededRandom(seed)
  const foldOf = new Map<string, number>()
  let dealt = 0
  for (const bad of [true, false]) {
    const stratum = Int32Array.from(clients.keys().filter((index) => everBad.get(clients[index]!) === bad))
    // Dealing goes on where the last stratum stopped, so that fold sizes differ by at most one client.
    for (const index of shuffle(stratum, random)) foldOf.set(clients[index]!, dealt++ % folds)
  }
  return Uint8Array.from(data.applicantIds, (client) => foldOf.get(client)!)
}

/** Row numbers for which `keep(fold)` holds, ascending. */
export const rowsWhere = (folds: Uint8Array, keep: (fold: number) => boolean): Int32Array =>
  Int32Array.from(folds.keys().filter((row) => keep(folds[row]!)))
