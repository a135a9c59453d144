/**
 * Loaded with `node --import` before a simulation: puts broken twins in the place of modules of the engine, which itself has no hooks for
 * this. `SCORESTREAM_TEST_PLANT` names the bug. Bugs of the store are in the simulated store and need no twin.
 */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const ROOT = join(import.meta.dirname, '../../..')
const urlOf = (path: string): string => pathToFileURL(join(ROOT, path)).href

const TWINS: Readonly<Record<string, readonly [module: string, twin: string]>> = {
  'epoch-rule-off': ['streams/protocol/belief.ts', 'test/simulation/plants/gullible.ts'],
  'adoption-off': ['streams/pipeline/adoption.ts', 'test/crash/plants/no-adoption.ts'],
  'commit-before-read-back': ['streams/pipeline/publish.ts', 'test/simulation/plants/no-read-back.ts'],
  'strays-passed': ['streams/pipeline/publish.ts', 'test/simulation/plants/hasty-reroute.ts'],
  'dedupe-off': ['streams/dedupe-ring.ts', 'test/crash/plants/forgetful-ring.ts'],
}

const planted = TWINS[process.env['SCORESTREAM_TEST_PLANT'] ?? '']
if (planted !== undefined) {
  const [module, twin] = planted.map(urlOf) as [string, string]
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      // The twin builds on the module it stands for.
      return found.url === module && context.parentURL !== twin ? { ...found, url: twin } : found
    },
  })
}
