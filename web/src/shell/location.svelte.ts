/** Where the reader is. Every state worth returning to lies in the address: path for the subject, query for choices. */
import { placeOf, type Place } from './views.ts'

class Location {
  path = $state(location.pathname)
  search = $state(location.search)

  get place(): Place | undefined {
    return placeOf(this.path)
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.search)
  }

  /** Goes to an address of the dashboard; the browser's own way where it is not one. */
  go(href: string): void {
    const url = new URL(href, location.href)
    if (url.origin !== location.origin || placeOf(url.pathname) === undefined) {
      location.assign(url)
      return
    }
    history.pushState(null, '', url)
    this.follow()
    scrollTo(0, 0)
  }

  /** Changes choices of the present view; empty values leave the address. */
  choose(choices: Readonly<Record<string, string>>): void {
    const query = this.query
    for (const [name, value] of Object.entries(choices)) {
      if (value === '') query.delete(name)
      else query.set(name, value)
    }
    const text = query.toString()
    history.replaceState(null, '', `${this.path}${text === '' ? '' : `?${text}`}`)
    this.search = location.search
  }

  follow(): void {
    this.path = location.pathname
    this.search = location.search
  }
}

export const here = new Location()
addEventListener('popstate', () => here.follow())

/** Follows a click on a link of the dashboard without loading the document again; other clicks stay the browser's. */
export const followClick = (event: MouseEvent): void => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || link.target !== '' || link.origin !== location.origin || placeOf(link.pathname) === undefined) return
  if (link.hash !== '' && link.pathname === location.pathname) return
  event.preventDefault()
  here.go(link.href)
}
