/**
 * Loaded with `node --import` before the real command line: puts broken or fatal twins in the place of modules of the engine. The engine
 * itself has no hooks for this. `SCORESTREAM_TEST_PLANT` names the bug (or `none`), `SCORESTREAM_TEST_KILL` the point of death.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const STREAMS = join(import.meta.dirname, '../../../streams')

/** Module of the engine → its twin here; the first two are always in place, for the points of death. */
const TWINS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  always: { 'embedded/event-log.ts': 'event-log.ts', 'embedded/state-store.ts': 'state-store.ts' },
  'commit-before-readable': { 'pipeline/publish.ts': 'publish-later.ts' },
  'adoption-off': { 'pipeline/adoption.ts': 'no-adoption.ts' },
  'dedupe-off': { 'dedupe-ring.ts': 'forgetful-ring.ts' },
}

const urlOf = (...path: string[]): string => pathToFileURL(join(...path)).href
const twins = new Map(
  [...Object.entries(TWINS['always'] ?? {}), ...Object.entries(TWINS[process.env['SCORESTREAM_TEST_PLANT'] ?? ''] ?? {})].map(
    ([module, twin]) => [urlOf(STREAMS, module), urlOf(import.meta.dirname, twin)],
  ),
)
const here = urlOf(import.meta.dirname, '/')

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    // A twin builds on the module it stands for.
    if (context.parentURL?.startsWith(here)) return found
    return { ...found, url: twins.get(found.url) ?? found.url }
  },
})
