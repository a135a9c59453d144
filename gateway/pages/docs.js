// Renders the OpenAPI document of this server. Everything enters the page as text, never as markup.
const tag = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}
const nameOf = ($ref) => $ref.slice($ref.lastIndexOf('/') + 1)
const anchor = (text) => text.replace(/[^A-Za-z0-9]+/g, '-')

/** The type of a schema in a few words, with links to named ones. */
const kindOf = (schema) => {
  if (schema.$ref) return [tag('a', { href: `#schema-${anchor(nameOf(schema.$ref))}`, textContent: nameOf(schema.$ref) })]
  if (schema.const !== undefined) return [tag('code', { textContent: JSON.stringify(schema.const) })]
  if (schema.enum) return [schema.enum.map((value) => String(value)).join(' | ')]
  if (schema.anyOf || schema.oneOf)
    return (schema.anyOf ?? schema.oneOf).flatMap((one, i) => (i === 0 ? kindOf(one) : [' or ', ...kindOf(one)]))
  if (schema.type === 'array') return ['array of ', ...kindOf(schema.items ?? {})]
  return [[schema.type].flat().join(' or ')]
}

/** Unit, range and pattern: what a producer must know. */
const bounds = (schema) => {
  const words = []
  if (schema['x-unit']) words.push(schema['x-unit'])
  if (schema.minimum !== undefined && schema.maximum !== undefined) words.push(`${schema.minimum} to ${schema.maximum}`)
  else if (schema.minimum !== undefined) words.push(`from ${schema.minimum}`)
  else if (schema.maximum !== undefined) words.push(`to ${schema.maximum}`)
  if (schema.maxLength !== undefined) words.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`)
  if (schema.default !== undefined) words.push(`default ${schema.default}`)
  if (schema['x-pii'] && schema['x-pii'] !== 'none') words.push(`privacy: ${schema['x-pii']}`)
  return words.join('; ')
}

const headRow = (...titles) => tag('thead', {}, tag('tr', {}, ...titles.map((textContent) => tag('th', { scope: 'col', textContent }))))

const fieldRow = (name, schema, optional) =>
  tag(
    'tr',
    { className: optional ? 'optional' : '' },
    tag('td', { textContent: optional ? `${name}?` : name }),
    tag('td', { className: 'kind' }, ...kindOf(schema)),
    tag('td', {}, schema.description ?? '', tag('div', { className: 'kind', textContent: bounds(schema) })),
  )

const fields = (schema) => {
  const required = new Set(schema.required ?? [])
  const body = tag('tbody', {}, ...Object.entries(schema.properties ?? {}).map(([name, one]) => fieldRow(name, one, !required.has(name))))
  return tag('div', { className: 'scroll' }, tag('table', { className: 'fields' }, headRow('Field', 'Type', 'Meaning'), body))
}

const copyable = (text) => {
  const button = tag('button', { type: 'button', textContent: 'Copy' })
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text)
    button.textContent = 'Copied'
    setTimeout(() => (button.textContent = 'Copy'), 1_200)
  })
  return tag('div', { className: 'copyable' }, tag('pre', { textContent: text }), button)
}

/** A line that can be pasted into a shell as it is. */
const curl = (path, method, operation) => {
  if (operation.operationId === 'feed') return `npx wscat -c '${location.origin.replace('http', 'ws')}/v1/feed?filter=decision:decline'`
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => operation.parameters.find((one) => one.name === name)?.example ?? name)
  const example = operation.requestBody?.content['application/json']?.example
  const body =
    example === undefined
      ? ''
      : ` \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(example, null, 2).replaceAll("'", String.raw`'\''`)}'`
  return `curl${method === 'get' ? '' : ` -X ${method.toUpperCase()}`} '${location.origin}${filled}'${body}`
}

const titled = (title, ...children) => tag('div', {}, tag('h4', { textContent: title }), ...children)

const answers = (responses) =>
  tag(
    'div',
    { className: 'statuses' },
    ...Object.entries(responses).flatMap(([status, one]) => {
      const schemas = Object.values(one.content ?? {}).map(({ schema }) => schema)
      const named = schemas
        .filter((schema) => schema.$ref || schema.anyOf)
        .flatMap((schema, i) => [i === 0 ? ' ' : ', ', ...kindOf(schema)])
      return [tag('code', { textContent: status }), tag('span', {}, one.description, ...named)]
    }),
  )

const operationPanel = (path, method, operation) => {
  const inside = tag('div', { className: 'inside' })
  if (operation.description) inside.append(tag('p', { textContent: operation.description }))
  if (operation.parameters) {
    const body = tag(
      'tbody',
      {},
      ...operation.parameters.map((one) => fieldRow(one.name, { ...one.schema, description: one.description }, !one.required)),
    )
    inside.append(
      titled(
        'Parameters',
        tag('div', { className: 'scroll' }, tag('table', { className: 'fields' }, headRow('Name', 'Type', 'Meaning'), body)),
      ),
    )
  }
  if (operation.requestBody) {
    const kinds = Object.entries(operation.requestBody.content).flatMap(([type, { schema }], i) => [
      i === 0 ? '' : ', or ',
      `${type}: `,
      ...kindOf(schema),
    ])
    inside.append(titled('Body', ...kinds))
  }
  inside.append(titled('Answers', answers(operation.responses)), titled('Try it', copyable(curl(path, method, operation))))
  const header = tag(
    'header',
    {},
    tag('span', { className: 'method', textContent: operation.operationId === 'feed' ? 'WS' : method.toUpperCase() }),
    tag('code', { textContent: path }),
    tag('span', { className: 'soft', textContent: operation.summary }),
  )
  return tag('section', { className: 'panel operation', id: `op-${operation.operationId}` }, header, inside)
}

const schemaPanel = (name, schema) => {
  const details = tag('details', { className: 'panel schema', id: `schema-${anchor(name)}` })
  details.append(
    tag('summary', {}, tag('b', { textContent: name }), ' ', tag('span', { className: 'soft', textContent: schema.description ?? '' })),
  )
  details.append(schema.properties ? fields(schema) : tag('p', {}, ...kindOf(schema)))
  return details
}

const render = (document_) => {
  const body = document.getElementById('body')
  const contents = document.getElementById('contents')
  document.getElementById('lead').textContent = `${document_.info.summary}. ${document_.info.description}`
  const operations = Object.entries(document_.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  )
  for (const { name, description } of document_.tags) {
    body.append(tag('h2', { className: 'section-title', textContent: name }), tag('p', { className: 'soft', textContent: description }))
    contents.append(tag('b', { textContent: name }))
    for (const { path, method, operation } of operations.filter((one) => one.operation.tags.includes(name))) {
      body.append(operationPanel(path, method, operation))
      contents.append(tag('a', { href: `#op-${operation.operationId}`, textContent: path, title: operation.summary }))
    }
  }
  body.append(tag('h2', { className: 'section-title', id: 'schemas', textContent: 'Schemas' }))
  contents.append(tag('b', { textContent: 'Schemas' }))
  for (const [name, schema] of Object.entries(document_.components.schemas)) {
    body.append(schemaPanel(name, schema))
    contents.append(tag('a', { href: `#schema-${anchor(name)}`, textContent: name }))
  }
}

const openTarget = () => {
  const target = location.hash === '' ? null : document.getElementById(location.hash.slice(1))
  if (target instanceof HTMLDetailsElement) target.open = true
  target?.scrollIntoView()
}
addEventListener('hashchange', openTarget)

try {
  const answer = await fetch('/openapi.json')
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
  render(await answer.json())
  openTarget()
} catch (error) {
  document.getElementById('lead').textContent =
    `The description could not be read: ${error.message}. Reload the page once the server is up.`
}
