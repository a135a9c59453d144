/** The built-in pages: static files beside this one, read once, served under a strict content security policy. */
import { readFileSync } from 'node:fs'
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
  '/': ['landing.html', HTML],
  '/docs': ['docs.html', HTML],
  '/assets/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/assets/landing.js': ['landing.js', SCRIPT],
  '/assets/docs.js': ['docs.js', SCRIPT],
  '/assets/icon.svg': ['icon.svg', 'image/svg+xml'],
} as const

export const PAGE_PATHS = Object.keys(FILES) as (keyof typeof FILES)[]

const escapeHtml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

export class Pages {
  readonly #files = new Map<string, { readonly type: string; readonly body: Buffer }>()

  /** `sqlUrl`: where the SQL interface listens; shown to people. */
  constructor(sqlUrl: string) {
    for (const path of PAGE_PATHS) {
      const [name, type] = FILES[path]
      const text = readFileSync(new URL(`pages/${name}`, import.meta.url), 'utf8')
      this.#files.set(path, { type, body: Buffer.from(type === HTML ? text.replaceAll('{{sqlUrl}}', escapeHtml(sqlUrl)) : text) })
    }
  }

  serve(exchange: Exchange): void {
    const file = this.#files.get(exchange.path)
    if (file === undefined) throw new Error(`no page at ${exchange.path}`)
    exchange.send(200, file.type, file.body, POLICY)
  }
}
