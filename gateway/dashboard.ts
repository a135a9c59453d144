/** The built dashboard: files of one folder, read once into memory, compressed once, served under the pages' security policy. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { HttpRequest } from 'uWebSockets.js'
import type { Exchange, Headers } from './exchange.ts'
import { problem } from './problem.ts'

/** Views of the dashboard: each path answers with the same document, which then shows what the path names. */
export const VIEW_PATHS = [
  '/',
  '/decisions',
  '/decisions/:id',
  '/portfolio',
  '/model',
  '/health',
  '/operations',
  '/features',
  '/features/:name',
  '/sql',
] as const

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Names carry a hash of the content: a file under a name never changes. */
const FOREVER: Headers = [['Cache-Control', 'public, max-age=31536000, immutable']]

interface File {
  readonly type: string
  readonly plain: Buffer
  readonly gzipped: Buffer
}

const readFiles = (folder: string): Map<string, File> => {
  const files = new Map<string, File>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = MEDIA_TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    const plain = readFileSync(path)
    files.set(path.slice(folder.length).replaceAll('\\', '/'), { type, plain, gzipped: gzipSync(plain) })
  }
  return files
}

/** Told while nothing is built yet. It asks again by itself. */
const notBuilt = (why: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta http-equiv="refresh" content="2" />
    <title>Scorestream</title>
    <link rel="icon" href="/assets/icon.svg" />
    <link rel="stylesheet" href="/assets/page.css" />
  </head>
  <body>
    <main class="wrap">
      <h1>Scorestream is running</h1>
      <p class="lead" role="status">${why}</p>
      <p>Meanwhile: the <a href="/docs">API</a>, <a href="/metrics">metrics</a> and <a href="/readyz">status</a> are there.</p>
    </main>
  </body>
</html>
`

export class Dashboard {
  #files: ReadonlyMap<string, File> = new Map()
  #why = 'The dashboard is being built; this page opens it as soon as it is there.'

  /** Takes over what a build left in `folder`; throws where it cannot be read, and goes on serving what it had. */
  load(folder: string): void {
    const files = readFiles(folder)
    if (!files.has('/index.html')) throw new Error(`${folder} holds no index.html: build the dashboard with npm run build:web`)
    this.#files = files
  }

  /** Says on the page why there is no dashboard. `why` is our own text, never foreign. */
  explain(why: string): void {
    this.#why = why
  }

  /** The document of every view. */
  view(exchange: Exchange, req: HttpRequest, policy: Headers): void {
    const file = this.#files.get('/index.html')
    if (file === undefined) exchange.send(200, 'text/html; charset=utf-8', notBuilt(this.#why), policy)
    else send(exchange, req, file, policy)
  }

  /** Scripts and styles, by the path they were built for. */
  asset(exchange: Exchange, req: HttpRequest, policy: Headers): void {
    const file = this.#files.get(exchange.path)
    if (file === undefined) exchange.problem(problem('not-found', 'the dashboard has no such file; reload the page'))
    else send(exchange, req, file, [...policy, ...FOREVER])
  }
}

const send = (exchange: Exchange, req: HttpRequest, { type, plain, gzipped }: File, headers: Headers): void => {
  const gzip = /\bgzip\b/.test(req.getHeader('accept-encoding'))
  exchange.send(200, type, gzip ? gzipped : plain, [
    ...headers,
    ['Vary', 'Accept-Encoding'],
    ...(gzip ? [['Content-Encoding', 'gzip'] as const] : []),
  ])
}
