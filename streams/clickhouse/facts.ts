/** What the warehouse is told once at start: the features and the models in force. Read from a JSON file that the engine writes. */
import type { RowWriter } from './ports.ts'

/** The file's content; further fields are ignored. */
export interface Facts {
  readonly featureSetHash: string
  readonly features: readonly {
    readonly name: string
    readonly description: string
    readonly unit: string
    readonly kind: string
    readonly aggregate: string
    readonly window: string
  }[]
  readonly models: readonly {
    readonly name: string
    readonly version: string
    readonly aliases: readonly string[]
    readonly bundleHash: string
    readonly manifest: {
      readonly parent: string | null
      readonly featureSetHash: string
      readonly metrics: Readonly<Record<string, { readonly value: number }>>
    }
  }[]
}

/** An instant as ClickHouse reads it. */
export const clickhouseInstant = (epochMs: number): string => new Date(epochMs).toISOString().replace('T', ' ').replace('Z', '')

/** Writes `feature_dictionary` and `models`; rows of the same identity replace earlier ones. */
export const insertFacts = async (inserter: RowWriter, facts: Facts, nowMs: number): Promise<void> => {
  const recorded_at = clickhouseInstant(nowMs)
  await inserter.insertObjects(
    'feature_dictionary',
    facts.features.map(({ name, description, unit, kind, aggregate, window }, index) => ({
      feature_set_hash: facts.featureSetHash,
      position: index + 1,
      feature: name,
      description,
      unit,
      kind,
      aggregate,
      window,
      recorded_at,
    })),
  )
  await inserter.insertObjects(
    'models',
    facts.models.map(({ name, version, aliases, bundleHash, manifest }) => ({
      model_version: `${name}@${version}`,
      name,
      version,
      parent: manifest.parent,
      bundle_hash: bundleHash,
      feature_set_hash: manifest.featureSetHash,
      aliases,
      metrics: Object.fromEntries(Object.entries(manifest.metrics).map(([metric, { value }]) => [metric, value])),
      manifest: JSON.stringify(manifest),
      recorded_at,
    })),
  )
}
