/** The table of views: path, name, key, and the code that shows it, loaded when it is first opened. */
import type { Component } from 'svelte'

/** What a path names: `/decisions/3-17` gives the view `/decisions/:id` and `3-17`. */
export interface ViewProps {
  /** The part of the path behind the view's own, percent-decoded; empty where there is none. */
  readonly subject: string
}

export interface View {
  /** First segment, with the slash. */
  readonly path: string
  readonly name: string
  /** Second key after `g`. */
  readonly key: string
  readonly load: () => Promise<{ default: Component<ViewProps> }>
}

/** A view that is all about itself: it ignores the subject. */
const plain =
  (load: () => Promise<{ default: Component<Record<string, never>> }>): View['load'] =>
  async () => ({ default: (await load()).default as unknown as Component<ViewProps> })

export const VIEWS: readonly View[] = [
  { path: '/', name: 'Live', key: 'l', load: plain(() => import('../live/live.svelte')) },
  { path: '/decisions', name: 'Decisions', key: 'd', load: () => import('../decision/decisions.svelte') },
  { path: '/portfolio', name: 'Portfolio', key: 'p', load: plain(() => import('../portfolio/portfolio.svelte')) },
  { path: '/model', name: 'Model', key: 'm', load: plain(() => import('../model/model.svelte')) },
  { path: '/health', name: 'Health', key: 'h', load: plain(() => import('../health/health.svelte')) },
  { path: '/operations', name: 'Operations', key: 'o', load: plain(() => import('../operations/operations.svelte')) },
  { path: '/features', name: 'Features', key: 'f', load: () => import('../features/features.svelte') },
  { path: '/sql', name: 'SQL', key: 's', load: plain(() => import('../sql/sql.svelte')) },
]

export interface Place {
  readonly view: View
  readonly subject: string
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The view of a path, or undefined where the dashboard has none. */
export const placeOf = (pathname: string): Place | undefined => {
  const [, first = '', ...rest] = pathname.split('/')
  const view = VIEWS.find(({ path }) => path === `/${first}`)
  return view === undefined ? undefined : { view, subject: decoded(rest.join('/')) }
}
