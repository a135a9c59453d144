// The live feed as a table. Everything foreign enters the page as text, never as markup.
const ROWS_MAX = 25
/** Few enough to be noticed one by one. */
const NOTICED_MAX = 3
const element = (id) => document.getElementById(id)
const rows = element('rows')
const state = element('state')
const counts = { approve: 0, refer: 0, decline: 0 }
const recentArrivals = []
let waiting = []
let cursor = `-${2 * ROWS_MAX}`
let filter = ''
let paused = false
/** False while decisions from before this page was opened arrive. */
let live = false
let socket
let retryMs = 500

const show = (kind, text) => {
  state.dataset.state = kind
  state.textContent = text
}

const cell = (className, ...children) => {
  const td = document.createElement('td')
  td.className = className
  td.append(...children)
  return td
}

const tag = (name, properties) => Object.assign(document.createElement(name), properties)

const money = (minor, currency) => {
  try {
    const format = new Intl.NumberFormat(undefined, { style: 'currency', currency, maximumFractionDigits: 0 })
    return format.format(
      minor / 10 ** (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2),
    )
  } catch {
    return `${minor} ${currency}`
  }
}

const row = (message, noticed) => {
  const tr = document.createElement('tr')
  if (noticed) tr.className = 'fresh'
  const time = tag('time', {
    dateTime: message.decidedAt,
    textContent: new Date(message.decidedAt).toLocaleTimeString(),
    title: message.decidedAt,
  })
  const chance = tag('meter', {
    min: 0,
    max: 1,
    low: message.cutOff,
    high: Math.min(1, 2 * message.cutOff),
    optimum: 0,
    value: message.probability,
  })
  const link = tag('a', {
    href: `/v1/decisions/${encodeURIComponent(message.decisionId)}?capsule=true`,
    textContent: message.applicationId,
    title: 'Everything this decision rests on',
  })
  const [first] = message.reasons
  tr.append(
    cell('time', time),
    cell('outcome', tag('span', { className: `badge ${message.decision}`, textContent: message.decision })),
    cell('number score', String(Math.round(message.score))),
    cell('chance', chance, `${(message.probability * 100).toFixed(1)} %`),
    cell('reason', first === undefined ? '–' : first.text),
    cell('number amount', money(message.amount, message.currency)),
    cell('id', link),
  )
  return tr
}

const figures = () => {
  const now = performance.now()
  while (recentArrivals.length > 0 && recentArrivals[0].at < now - 2_000) recentArrivals.shift()
  const rate = recentArrivals.reduce((sum, { count }) => sum + count, 0) / 2
  const total = counts.approve + counts.refer + counts.decline
  element('rate').textContent = rate >= 10 ? Math.round(rate).toLocaleString() : String(Math.round(rate * 10) / 10)
  element('total').textContent = total.toLocaleString()
  for (const kind of Object.keys(counts)) {
    const share = total === 0 ? '' : ` ${((100 * counts[kind]) / total).toFixed(1)} %`
    element(kind).replaceChildren(counts[kind].toLocaleString(), tag('small', { textContent: share }))
  }
}

const draw = () => {
  if (!paused && waiting.length > 0) {
    const noticed = live && waiting.length <= NOTICED_MAX
    const fresh = waiting
      .slice(-ROWS_MAX)
      .map((message) => row(message, noticed))
      .reverse()
    waiting = []
    rows.prepend(...fresh)
    while (rows.childElementCount > ROWS_MAX) rows.lastElementChild.remove()
    element('empty').hidden = true
  }
  figures()
}
setInterval(draw, 250)

const take = (message) => {
  cursor = message.cursor
  let count = 0
  if (message.kind === 'decision') {
    counts[message.decision]++
    count = 1
    waiting.push(message)
    if (waiting.length > 4 * ROWS_MAX) waiting = waiting.slice(-ROWS_MAX)
  } else if (message.kind === 'conflated') {
    live = true
    for (const kind of Object.keys(counts)) {
      counts[kind] += message.skipped[kind]
      count += message.skipped[kind]
    }
  }
  if (live && count > 0) recentArrivals.push({ at: performance.now(), count })
}

const connect = () => {
  const token = sessionStorage.getItem('token')
  const query = new URLSearchParams({ after: cursor, mode: 'live', ...(filter === '' ? {} : { filter }) })
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/feed?${query}`
  const mine = token === null ? new WebSocket(url) : new WebSocket(url, ['scorestream.v1', `bearer.${token}`])
  socket = mine
  mine.addEventListener('open', () => {
    retryMs = 500
    show('open', 'Live')
    element('credentials').hidden = true
  })
  mine.addEventListener('message', ({ data }) => {
    if (mine === socket) take(JSON.parse(data))
  })
  mine.addEventListener('close', () => {
    if (mine === socket) void lost()
  })
}

// A browser does not say why an upgrade was refused; the same path without one does.
const lost = async () => {
  show('lost', 'Connection lost, trying again')
  try {
    const token = sessionStorage.getItem('token')
    const answer = await fetch(`/v1/feed`, { headers: token === null ? {} : { authorization: `Bearer ${token}` } })
    if (answer.status === 401 || answer.status === 403) {
      show('lost', 'Token needed')
      element('credentials').hidden = false
      return
    }
    // The upgrade itself was refused more than once: the cursor may be of another log, or too old.
    if (retryMs > 1_000) cursor = `-${2 * ROWS_MAX}`
  } catch {
    // The server is away; its return is worth waiting for.
  }
  setTimeout(connect, retryMs)
  retryMs = Math.min(8_000, 2 * retryMs)
}

const restart = () => {
  const old = socket
  live = false
  socket = undefined
  old?.close()
  cursor = `-${2 * ROWS_MAX}`
  for (const kind of Object.keys(counts)) counts[kind] = 0
  waiting = []
  recentArrivals.length = 0
  rows.replaceChildren()
  element('empty').hidden = false
  connect()
}

element('filters').addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return
  for (const button of element('filters').children) button.setAttribute('aria-pressed', String(button === target))
  filter = target.dataset.filter
  restart()
})
element('pause').addEventListener('click', ({ target }) => {
  paused = !paused
  target.setAttribute('aria-pressed', String(paused))
  target.textContent = paused ? 'Resume' : 'Pause'
})
element('credentials').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('token', element('token').value.trim())
  element('token').value = ''
  restart()
})

const example = {
  eventId: 'e-1001',
  kind: 'application',
  applicantId: 'client-17',
  eventTime: '2005-10-01T09:30:00Z',
  producer: 'curl',
  applicationId: 'app-1001',
  product: 'credit-line',
  amount: 5000000,
  currency: 'TWD',
  termMonths: 0,
  purpose: 'line-increase',
  channel: 'online',
}
const pairs = Object.entries(example).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
const lines = []
for (let i = 0; i < pairs.length; i += 2) lines.push(`  ${pairs.slice(i, i + 2).join(', ')}`)
element('send-example').textContent =
  `curl ${location.origin}/v1/applications \\\n -H 'Content-Type: application/json' -d '{\n${lines.join(',\n')}\n}'`
element('watch-example').textContent = `npx wscat -c ${location.origin.replace('http', 'ws')}/v1/feed`

connect()
