/** The pages: the dashboard's views and files, and the description of the API, all under a strict content security policy. */
import { readFileSync } from 'node:fs'
import type { HttpRequest } from 'uWebSockets.js'
import { type Dashboard, VIEW_PATHS } from './dashboard.ts'
import type { Exchange, Headers } from './exchange.ts'

const POLICY: Headers = [
  [
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
]

const HTML = 'text/html; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'

/** Path → file and media type. */
const FILES = {
  '/docs': ['docs.html', HTML],
  '/assets/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/assets/docs.js': ['docs.js', SCRIPT],
  '/assets/icon.svg': ['icon.svg', 'image/svg+xml'],
} as const

const FILE_PATHS = Object.keys(FILES) as (keyof typeof FILES)[]

export class Pages {
  readonly #files = new Map<string, { readonly type: string; readonly body: Buffer }>()
  readonly #dashboard: Dashboard

  constructor(dashboard: Dashboard) {
    this.#dashboard = dashboard
    for (const path of FILE_PATHS) {
      const [name, type] = FILES[path]
      this.#files.set(path, { type, body: readFileSync(new URL(`pages/${name}`, import.meta.url)) })
    }
  }

  /** Each path with what answers it. `/app/*` holds the files of the dashboard. */
  routes(): readonly (readonly [path: string, handle: (exchange: Exchange, req: HttpRequest) => void])[] {
    return [
      ...FILE_PATHS.map((path) => [path, (exchange: Exchange) => this.#file(exchange)] as const),
      ...VIEW_PATHS.map((path) => [path, (exchange: Exchange, req: HttpRequest) => this.#dashboard.view(exchange, req, POLICY)] as const),
      ['/app/*', (exchange, req) => this.#dashboard.asset(exchange, req, POLICY)],
    ]
  }

  #file(exchange: Exchange): void {
    const file = this.#files.get(exchange.path)
    if (file === undefined) throw new Error(`no page at ${exchange.path}`)
    exchange.send(200, file.type, file.body, POLICY)
  }
}
