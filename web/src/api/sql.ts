/** Questions in SQL, through the gateway. At most a few at a time: the warehouse runs three, and a page has more charts than that. */
import { request } from './request.ts'

/** A value of a ClickHouse cell in JSON: 64-bit integers are numbers, times are text, NaN is null. */
export type Cell = number | string | boolean | null | readonly Cell[] | { readonly [key: string]: Cell }

export interface SqlAnswer {
  readonly meta: readonly { readonly name: string; readonly type: string }[]
  readonly data: readonly (readonly Cell[])[]
  readonly rows: number
  readonly statistics: { readonly elapsed: number; readonly rows_read: number; readonly bytes_read: number }
}

const AT_ONCE_MAX = 3
let underWay = 0
const waiting: (() => void)[] = []

const enter = async (): Promise<void> => {
  if (underWay < AT_ONCE_MAX) underWay++
  else await new Promise<void>((wake) => waiting.push(wake))
}
/** A place is handed on, not freed: nobody slips in between. */
const leave = (): void => {
  const next = waiting.shift()
  if (next === undefined) underWay--
  else next()
}

/** The answer with its column names and types. Rejects with a `RequestError` that carries the engine's own message. */
export const askSql = async (statement: string, signal?: AbortSignal): Promise<SqlAnswer> => {
  await enter()
  try {
    signal?.throwIfAborted()
    const response = await request('/v1/sql', {
      method: 'POST',
      body: statement,
      headers: { 'Content-Type': 'application/sql' },
      signal: signal ?? null,
    })
    return (await response.json()) as SqlAnswer
  } finally {
    leave()
  }
}

/** Rows as objects by column name. `Row` is the caller's word on what the statement selects. */
export const askRows = async <Row>(statement: string, signal?: AbortSignal): Promise<Row[]> => {
  const { meta, data } = await askSql(statement, signal)
  return data.map((cells) => Object.fromEntries(meta.map(({ name }, i) => [name, cells[i]])) as Row)
}
