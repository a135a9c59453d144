/** From the policy file to a checked policy. */
import { createHash } from 'node:crypto'
import { Application } from '#schemas/events.ts'
import { nearestNames } from '#schemas/nearest.ts'
import { OPERATORS, type Condition, type Operator, type Policy, type Rule, type Scalar, type Test } from './policy.ts'
import { yamlReader, type YamlReader, type YamlValue } from './yaml-reader.ts'

/** Deepest nesting of all/any; a policy deeper than this is not one people can read. */
const NESTING_MAX = 8

/** Fields of an application a rule may read, and whether they hold numbers. Identifiers decide nothing, so they are not among them. */
const fields: ReadonlyMap<string, 'number' | 'text'> = new Map(
  Object.entries(Application.properties as Record<string, { type?: string; unit?: string; avro?: string; const?: string }>)
    .filter(([, { unit, const: fixed }]) => unit !== 'identifier' && unit !== 'traceparent' && fixed === undefined)
    .map(([name, { type, avro }]) => [name, type === 'integer' || avro === 'timestamp-millis' ? 'number' : 'text']),
)

const NUMBERS_ONLY: readonly Operator[] = ['<', '<=', '>', '>=']

const readValues = (yaml: YamlReader, node: YamlValue, where: string, op: Operator, holds: 'number' | 'text'): Scalar[] => {
  if (op === 'missing' || op === 'present') return node === undefined ? [] : yaml.fail(node, `${where}: "${op}" takes no value`)
  const nodes = op === 'in' ? yaml.list(node, `${where}.value`) : [node]
  if (NUMBERS_ONLY.includes(op) && holds === 'text') return yaml.fail(node, `${where}: "${op}" compares numbers, and the field holds text`)
  return nodes.map((each) => (holds === 'number' ? yaml.number(each, `${where}.value`) : yaml.string(each, `${where}.value`)))
}

const readOperand = (
  yaml: YamlReader,
  { field, feature }: { field?: YamlValue; feature?: YamlValue },
  node: YamlValue,
  where: string,
  features: readonly string[],
): { operand: Test['operand']; holds: 'number' | 'text' } => {
  if ((field === undefined) === (feature === undefined)) return yaml.fail(node, `${where} needs either field or feature`)
  const name = yaml.string(field ?? feature, `${where}.${field === undefined ? 'feature' : 'field'}`)
  if (field !== undefined) {
    const holds = fields.get(name)
    if (holds === undefined)
      return yaml.fail(
        field,
        `${where}: an application has no field "${name}"; nearest known: ${nearestNames(name, [...fields.keys()]).join(', ')}`,
      )
    return { operand: { kind: 'field', name }, holds }
  }
  const index = features.indexOf(name)
  if (index === -1)
    return yaml.fail(feature, `${where}: there is no feature "${name}"; nearest known: ${nearestNames(name, features).join(', ')}`)
  return { operand: { kind: 'feature', index }, holds: 'number' }
}

const readCondition = (yaml: YamlReader, node: YamlValue, where: string, features: readonly string[], depth = 0): Condition => {
  const keys = yaml.map(node, where, ['all', 'any', 'field', 'feature', 'op', 'value'])
  const joined = keys.all ?? keys.any
  if (joined === undefined) {
    const { operand, holds } = readOperand(yaml, keys, node, where, features)
    const op = yaml.choice(keys.op ?? yaml.fail(node, `${where} needs op`), `${where}.op`, OPERATORS)
    return { kind: 'test', operand, op, values: readValues(yaml, keys.value, where, op, holds) }
  }
  const kind = keys.all === undefined ? 'any' : 'all'
  if (Object.keys(keys).length !== 1) return yaml.fail(node, `${where}: "${kind}" stands alone`)
  if (depth === NESTING_MAX) return yaml.fail(node, `${where} nests deeper than ${NESTING_MAX}`)
  const parts = yaml.list(joined, `${where}.${kind}`)
  if (parts.length === 0) return yaml.fail(joined, `${where}.${kind} is empty`)
  return { kind, of: parts.map((part, i) => readCondition(yaml, part, `${where}.${kind}[${i}]`, features, depth + 1)) }
}

const readRule = (yaml: YamlReader, node: YamlValue, where: string, features: readonly string[]): Rule => {
  const { id, when, decision, reason } = yaml.map(node, where, ['id', 'when', 'decision', 'reason'])
  const { code, text } = yaml.map(reason ?? yaml.fail(node, `${where} needs reason`), `${where}.reason`, ['code', 'text'])
  return {
    id: yaml.string(id ?? yaml.fail(node, `${where} needs id`), `${where}.id`, /^[a-z][a-z0-9-]{0,63}$/),
    when: readCondition(yaml, when ?? yaml.fail(node, `${where} needs when`), `${where}.when`, features),
    decision: yaml.choice(decision ?? yaml.fail(node, `${where} needs decision`), `${where}.decision`, ['refer', 'decline']),
    reason: {
      code: yaml.string(code ?? yaml.fail(node, `${where}.reason needs code`), `${where}.reason.code`, /^[A-Z][A-Z0-9-]{0,63}$/),
      text: yaml.string(text ?? yaml.fail(node, `${where}.reason needs text`), `${where}.reason.text`),
    },
  }
}

const readCutOffs = (yaml: YamlReader, node: YamlValue): Policy['cutOffs'] => {
  if (typeof (node as { value?: unknown }).value === 'string') return yaml.choice(node, 'cutOffs', ['from-bundle'] as const)
  const keys = yaml.map(node, 'cutOffs', ['refer', 'decline'])
  const [refer, decline] = [yaml.number(keys.refer ?? node, 'cutOffs.refer'), yaml.number(keys.decline ?? node, 'cutOffs.decline')]
  if (!(refer > 0 && refer <= decline && decline <= 1))
    return yaml.fail(node, `cutOffs need 0 < refer <= decline <= 1, got ${refer} and ${decline}`)
  return { refer, decline }
}

/**
 * @param file name used in messages.
 * @param features names in vector order; a rule that names another is refused.
 * @throws BundleRefused `policy-invalid`: file, line, key, value, what is known.
 */
export const parsePolicy = (bytes: Uint8Array, file: string, features: readonly string[]): Policy => {
  const yaml = yamlReader(new TextDecoder().decode(bytes), file)
  const { name, version, cutOffs, rules } = yaml.map(yaml.root, 'the policy', ['name', 'version', 'cutOffs', 'rules'])
  const need = (key: string): never => yaml.fail(yaml.root, `the policy needs ${key}`)
  const policyName = yaml.string(name ?? need('name'), 'name', /^[a-z][a-z0-9-]{0,63}$/)
  const nodes = rules === undefined ? [] : yaml.list(rules, 'rules')
  const read = nodes.map((node, i) => readRule(yaml, node, `rules[${i}]`, features))
  const twice = read.findIndex(({ id }, i) => read.findIndex((other) => other.id === id) < i)
  if (twice !== -1) yaml.fail(nodes[twice], `rules[${twice}].id "${read[twice]!.id}" is used twice`)
  return {
    name: policyName,
    label: String(yaml.scalar(version ?? need('version'), 'version')),
    version: `${policyName}@${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`,
    cutOffs: readCutOffs(yaml, cutOffs ?? need('cutOffs')),
    rules: read,
  }
}
