/** The catalogue: the dictionary of the warehouse, joined to what the event schemas say of the fields a feature is made of. */
import { getJson } from '../api/request.ts'
import { askRows } from '../api/sql.ts'

export const DICTIONARY = `SELECT feature, description, unit, kind, aggregate, window, position, feature_set_hash
FROM feature_dictionary FINAL
WHERE feature_set_hash = (SELECT argMax(feature_set_hash, recorded_at) FROM models)
ORDER BY position`

interface DictionaryRow {
  readonly feature: string
  readonly description: string
  readonly unit: string
  readonly kind: string
  readonly aggregate: string
  readonly window: string
  readonly position: number
  readonly feature_set_hash: string
}

/** How near to the person: of the most sensitive field a feature is made of. */
export type PrivacyClass = 'sensitive' | 'pseudonym' | 'none'

export interface CatalogueEntry extends DictionaryRow {
  /** Field as named in the feature: of an event, or derived from several. */
  readonly field: string
  readonly privacy: PrivacyClass
  /** What the field is, by the schema of its event; empty for derived ones. */
  readonly source: string
}

interface OpenApi {
  readonly components: {
    readonly schemas: Readonly<
      Record<
        string,
        { readonly properties?: Readonly<Record<string, { readonly description?: string; readonly 'x-pii'?: string }>> } | undefined
      >
    >
  }
}

/** `entity.kind.field.aggregate.window` → its field. */
const fieldOf = (feature: string): string => feature.split('.')[2] ?? ''

/** A field derived from several is as sensitive as amounts are; how often or when something happened concerns the pseudonym alone. */
const privacyOf = (row: DictionaryRow, pii: string | undefined): PrivacyClass => {
  if (fieldOf(row.feature) === 'event') return 'pseudonym'
  if (pii === undefined) return 'sensitive'
  return pii === 'none' ? 'none' : pii === 'pseudonym' ? 'pseudonym' : 'sensitive'
}

export const loadCatalogue = async (signal: AbortSignal): Promise<CatalogueEntry[]> => {
  const [rows, document] = await Promise.all([askRows<DictionaryRow>(DICTIONARY, signal), getJson<OpenApi>('/openapi.json', signal)])
  return rows.map((row) => {
    const field = fieldOf(row.feature)
    const schema = document.components.schemas[`Event.${row.kind}`]?.properties?.[field]
    return { ...row, field, privacy: privacyOf(row, schema?.['x-pii']), source: schema?.description ?? '' }
  })
}

/** Entries in which every word of the search occurs somewhere. */
export const search = (entries: readonly CatalogueEntry[], asked: string): readonly CatalogueEntry[] => {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean)
  return entries.filter((entry) => {
    const haystack =
      `${entry.feature} ${entry.description} ${entry.unit} ${entry.kind} ${entry.aggregate} ${entry.window} ${entry.privacy}`.toLowerCase()
    return words.every((word) => haystack.includes(word))
  })
}
