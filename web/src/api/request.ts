/** One request to the gateway: JSON in, JSON out, and refusals as errors that say what was wrong and what to do. */
import { session } from './session.svelte.ts'

interface ProblemDocument {
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly errors?: readonly { readonly pointer: string; readonly value: string; readonly expected: string; readonly remedy: string }[]
}

export class RequestError extends Error {
  /** Stable code of the problem document; `unreachable` where no answer came. */
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, message: string) {
    super(message)
    this.name = 'RequestError'
    this.code = code
    this.status = status
  }
}

const problemOf = async (response: Response): Promise<RequestError> => {
  let document: ProblemDocument = {}
  try {
    document = (await response.json()) as ProblemDocument
  } catch {
    // Not from the gateway itself: the status is all there is.
  }
  const first = document.errors?.[0]
  const detail = document.detail ?? `the server answered ${response.status}`
  return new RequestError(
    document.code ?? `http-${response.status}`,
    response.status,
    first === undefined ? detail : `${detail}: ${first.pointer} = ${first.value}, expected ${first.expected}; ${first.remedy}`,
  )
}

/** The answer to a request; rejects with a `RequestError`, or with the signal's reason. */
export const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const headers = new Headers(init.headers)
  if (session.token !== '') headers.set('Authorization', `Bearer ${session.token}`)
  let response: Response
  try {
    response = await fetch(path, { ...init, headers })
  } catch (error) {
    init.signal?.throwIfAborted()
    throw new RequestError('unreachable', 0, `the engine does not answer (${error instanceof Error ? error.message : String(error)})`)
  }
  if (response.status === 401) session.asked = true
  if (!response.ok && !(path === '/readyz' && response.status === 503)) throw await problemOf(response)
  return response
}

export const getJson = async <Answer>(path: string, signal?: AbortSignal): Promise<Answer> =>
  (await (await request(path, { signal: signal ?? null })).json()) as Answer

export const postJson = async <Answer>(path: string, body: unknown, signal?: AbortSignal): Promise<Answer> =>
  (await (
    await request(path, {
      method: 'POST',
      body: body === undefined ? null : JSON.stringify(body),
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      signal: signal ?? null,
    })
  ).json()) as Answer
