/** Client of a schema registry that speaks Confluent's REST interface: register, fetch by id, check compatibility. */

export type CompatibilityLevel = 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE' | 'NONE'

export interface SchemaRegistryOptions {
  /** Up to where `/subjects` begins, e.g. http://registry:8081 */
  readonly url: string
  readonly username?: string
  /** Asked for each request, so that a changed secret is used from the next one on. */
  readonly password?: () => string
  readonly timeoutMs?: number
}

export interface Compatibility {
  readonly compatible: boolean
  /** Why not, as the registry words it. */
  readonly reasons: readonly string[]
}

/** The registry could not be asked, or answered with what is no answer: the same call may succeed later. */
export class RegistryFailure extends Error {
  override readonly name = 'RegistryFailure'
  readonly code = 'unreachable'
}

const TIMEOUT_MS = 10_000
const JSON_TYPE = 'application/vnd.schemaregistry.v1+json'
const NOT_FOUND = 404
const CONFLICT = 409

/** Ids never change their meaning, so that whatever was fetched once is kept: a few hundred schemas of some KB. */
export class SchemaRegistry {
  readonly #options: SchemaRegistryOptions
  readonly #byId = new Map<number, Promise<string | undefined>>()
  readonly #ids = new Map<string, Promise<number>>()

  constructor(options: SchemaRegistryOptions) {
    this.#options = options
  }

  /** Id of an Avro schema under a subject; the same schema gets the same id again. Refused, with reasons, where the level forbids it. */
  register(subject: string, schema: object): Promise<number> {
    const text = JSON.stringify(schema)
    return kept(this.#ids, `${subject}\n${text}`, async () => {
      const { status, body } = await this.#ask('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema: text })
      if (status === CONFLICT)
        throw new Error(
          `the registry refuses a schema of ${subject} as incompatible: ${messageOf(body)}. Change it compatibly, or relax the subject's level.`,
        )
      const { id } = body as { id?: unknown }
      if (typeof id !== 'number') throw this.#unexpected(`registering ${subject}`, status, body)
      return id
    })
  }

  /** The schema's text; undefined where the registry has none of that id, which is asked again the next time. */
  async schemaOf(id: number): Promise<string | undefined> {
    const found = await kept(this.#byId, id, async () => {
      const { status, body } = await this.#ask('GET', `/schemas/ids/${id}`)
      if (status === NOT_FOUND) return undefined
      const { schema, schemaType } = body as { schema?: unknown; schemaType?: unknown }
      if (typeof schema !== 'string') throw this.#unexpected(`schema ${id}`, status, body)
      return schemaType === undefined || schemaType === 'AVRO' ? schema : undefined
    })
    if (found === undefined) this.#byId.delete(id)
    return found
  }

  /** Whether `schema` may follow the subject's latest; a subject without any takes everything. */
  async compatibility(subject: string, schema: object): Promise<Compatibility> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const { status, body } = await this.#ask('POST', path, { schema: JSON.stringify(schema) })
    if (status === NOT_FOUND) return { compatible: true, reasons: [] }
    const { is_compatible: compatible, messages } = body as { is_compatible?: unknown; messages?: unknown }
    if (typeof compatible !== 'boolean') throw this.#unexpected(`the compatibility of ${subject}`, status, body)
    return { compatible, reasons: Array.isArray(messages) ? messages.map(String) : [] }
  }

  async setCompatibility(subject: string, level: CompatibilityLevel): Promise<void> {
    const { status, body } = await this.#ask('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: level })
    if (status >= 300) throw this.#unexpected(`the level of ${subject}`, status, body)
  }

  async #ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const { url, username, password, timeoutMs } = this.#options
    const login =
      username === undefined ? {} : { authorization: `Basic ${Buffer.from(`${username}:${password?.() ?? ''}`).toString('base64')}` }
    let response: Response
    try {
      response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
        method,
        headers: { accept: JSON_TYPE, ...login, ...(body === undefined ? {} : { 'content-type': JSON_TYPE }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
      })
    } catch (cause) {
      throw new RegistryFailure(`the schema registry at ${url} was not reached: ${(cause as Error).message}`, { cause })
    }
    const text = await response.text()
    if (response.status >= 500 || response.status === 401 || response.status === 403)
      throw new RegistryFailure(`the schema registry at ${url} answered ${response.status} to ${method} ${path}: ${text.slice(0, 200)}`)
    return { status: response.status, body: parsed(text) }
  }

  #unexpected(what: string, status: number, body: unknown): RegistryFailure {
    return new RegistryFailure(`the schema registry at ${this.#options.url} answered ${status} about ${what}: ${messageOf(body)}`)
  }
}

/** Remembers what succeeded; callers at the same time wait for one request. */
const kept = <Key, Value>(cache: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> => {
  const found = cache.get(key)
  if (found !== undefined) return found
  const made = make()
  cache.set(key, made)
  made.catch(() => cache.delete(key))
  return made
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const messageOf = (body: unknown): string => {
  const { message } = Object(body) as { message?: unknown }
  return (typeof message === 'string' ? message : JSON.stringify(body)).slice(0, 400)
}
