/** Which room may import which, and a reader that finds every crossing in the sources. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { parseSync } from 'oxc-parser'

/** Room → rooms it may import. The composition root (`cli`), tests and benches may import everything; nothing imports them. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  features: ['schemas'],
  registry: ['schemas'],
  scoring: ['schemas', 'features', 'registry'],
  monitoring: ['schemas', 'features'],
  training: ['schemas', 'features', 'registry', 'scoring'],
  streams: ['schemas', 'features'],
  gateway: ['schemas', 'registry', 'streams'],
  web: [],
}
const COMPOSERS = ['cli', 'test', 'bench', 'examples']

export interface Crossing {
  readonly file: string
  readonly specifier: string
  readonly why: string
}

const sources = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'assembly' ? [] : sources(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })

/** Every module specifier of a file: static, dynamic and re-exported. */
const specifiersOf = (path: string): string[] => {
  const { module } = parseSync(path, readFileSync(path, 'utf8'))
  const text = readFileSync(path, 'utf8')
  return [
    ...module.staticImports.map((one) => one.moduleRequest.value),
    ...module.staticExports.flatMap((one) => one.entries.flatMap((entry) => (entry.moduleRequest ? [entry.moduleRequest.value] : []))),
    ...module.dynamicImports.map((one) => text.slice(one.moduleRequest.start, one.moduleRequest.end).replaceAll(/^['"`]|['"`]$/g, '')),
  ]
}

/** All imports under `root` that break the rule, and how many files and imports were looked at. */
export const forbiddenImports = (root: string): { files: number; imports: number; crossings: Crossing[] } => {
  const crossings: Crossing[] = []
  let files = 0
  let imports = 0
  for (const [room, allowed] of Object.entries(ROOMS)) {
    for (const path of sources(join(root, room))) {
      files += 1
      const file = relative(root, path)
      for (const specifier of specifiersOf(path)) {
        imports += 1
        if (specifier.startsWith('#')) {
          const target = specifier.slice(1).split('/')[0] ?? ''
          if (target === room) crossings.push({ file, specifier, why: 'inside a room imports are relative' })
          else if (!allowed.includes(target))
            crossings.push({ file, specifier, why: `${room} may import ${allowed.join(', ') || 'no room'}` })
        } else if (specifier.startsWith('.')) {
          const target = relative(root, resolve(dirname(path), specifier)).split(sep)[0]
          if (target !== room) crossings.push({ file, specifier, why: `leaves the room by a relative path; write #${target}/…` })
        } else if (COMPOSERS.some((name) => specifier.startsWith(`#${name}`))) {
          crossings.push({ file, specifier, why: 'nothing imports the composition root' })
        }
      }
    }
  }
  return { files, imports, crossings }
}
