// Adds to package-lock.json the optional binaries of other platforms that the registry in use did not list, so that
// `npm ci` finds the lock complete everywhere. Run after any `npm install` that changed the lock: node deploy/mend-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs'

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8'))
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'sunos', 'aix', 'netbsd', 'openbsd']
const processors = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el']

/** `@scope/name-linux-arm64-gnu` → { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] } */
const platformOf = (name) => {
  const words = name.split(/[-/]/)
  const os = systems.find((one) => words.includes(one))
  const cpu = processors.find((one) => words.includes(one))
  if (os === undefined || cpu === undefined) return undefined
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : undefined
  return { os: [os], cpu: [cpu], ...(libc && os === 'linux' ? { libc } : {}) }
}

let added = 0
for (const [holder, entry] of Object.entries(lock.packages)) {
  if (holder === '') continue
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const top = `node_modules/${name}`
    const nested = `${holder}/${top}`
    const taken = lock.packages[top]
    if (lock.packages[nested] !== undefined || (taken !== undefined && taken.version === version)) continue
    // Another version of the same binary stands at the top: this one goes below its holder, as npm itself would do.
    const place = taken === undefined || /[\^~*]/.test(version) ? top : nested
    if (lock.packages[place] !== undefined) continue
    const platform = platformOf(name)
    if (platform === undefined) {
      process.stderr.write(`mend-lock: ${name} (of ${holder}) names no platform; left out\n`)
      continue
    }
    lock.packages[place] = { version, ...platform, ...(entry.dev ? { dev: true } : {}), optional: true }
    added += 1
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(`mend-lock: ${added} entries added\n`)
