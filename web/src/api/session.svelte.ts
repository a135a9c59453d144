/** The token of this person, where the server asks for one. It lives as long as the tab. */
const KEY = 'scorestream.token'

class Session {
  token = $state(sessionStorage.getItem(KEY) ?? '')
  /** The server refused a request for want of a (better) token. */
  asked = $state(false)

  signIn(token: string): void {
    sessionStorage.setItem(KEY, token)
    this.token = token
    this.asked = false
  }
}

export const session = new Session()
