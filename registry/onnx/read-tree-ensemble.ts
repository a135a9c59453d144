/** Reads an ONNX graph of one `TreeEnsembleRegressor` into plain trees; refuses everything it could not reproduce exactly. */
import { previousFloat32 } from './float32.ts'
import { decodeOnnxModel, type OnnxAttribute, type OnnxNode, type OnnxValueInfo } from './onnx-schema.ts'
import { checkTreeEnsemble, emptyTree, type Tree, type TreeEnsemble } from './tree-ensemble.ts'

const utf8 = new TextDecoder()

const refuse = (what: string, remedy: string): never => {
  throw new Error(`unsupported ONNX model: ${what}; ${remedy}`)
}

/** Typed look-ups in a node's attributes; absent ones take ONNX's own defaults. */
const attributesOf = (node: OnnxNode) => {
  const byName = new Map<string, OnnxAttribute>(node.attribute.map((attribute) => [attribute.name, attribute]))
  return {
    has: (name: string): boolean => byName.has(name),
    string: (name: string, absent: string): string => {
      const value = byName.get(name)?.s
      return value === undefined ? absent : utf8.decode(value)
    },
    strings: (name: string): string[] => (byName.get(name)?.strings ?? []).map((value) => utf8.decode(value)),
    int: (name: string, absent: number): number => byName.get(name)?.i ?? absent,
    ints: (name: string): number[] => byName.get(name)?.ints ?? [],
    floats: (name: string): number[] => byName.get(name)?.floats ?? [],
  }
}
type Attributes = ReturnType<typeof attributesOf>

/** Number of columns of the graph's input. */
const columnsOf = (input: OnnxValueInfo | undefined): number => {
  const columns = input?.type?.tensorType?.shape?.dim?.[1]?.dimValue
  return columns ?? refuse('the input has no fixed number of columns', 'export it as float32[N, d] with d fixed')
}

const checkNode = (attributes: Attributes): void => {
  for (const name of ['nodes_values_as_tensor', 'target_weights_as_tensor', 'base_values_as_tensor', 'nodes_hitrates_as_tensor'])
    if (attributes.has(name)) refuse(`attribute ${name} (a float64 graph)`, 'export the member with float32 thresholds and leaves')
  const transform = attributes.string('post_transform', 'NONE')
  if (transform !== 'NONE') refuse(`post_transform ${transform}`, 'export the raw margin (post_transform NONE)')
  const aggregate = attributes.string('aggregate_function', 'SUM')
  if (aggregate !== 'SUM') refuse(`aggregate_function ${aggregate}`, 'export with aggregate_function SUM')
  const targets = attributes.int('n_targets', 1)
  if (targets !== 1) refuse(`n_targets ${targets}`, 'export one target, the margin')
}

/**
 * Rewrites the other comparisons as `x <= t` on float32 inputs: `x < t` is `x <= the float32 before t`; `>` and `>=` are their
 * complements with the branches swapped, and so is the side missing values take.
 */
const asLessOrEqual = (mode: string, threshold: number, yes: number, no: number, missingYes: boolean) => {
  const strict = mode === 'BRANCH_LT' || mode === 'BRANCH_GTE'
  const swapped = mode === 'BRANCH_GT' || mode === 'BRANCH_GTE'
  return {
    threshold: strict ? previousFloat32(threshold) : threshold,
    left: swapped ? no : yes,
    right: swapped ? yes : no,
    missingLeft: missingYes !== swapped,
  }
}

const MODES = new Set(['LEAF', 'BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GT', 'BRANCH_GTE'])

const treesOf = (a: Attributes): Tree[] => {
  const treeIds = a.ints('nodes_treeids')
  const nodeIds = a.ints('nodes_nodeids')
  const modes = a.strings('nodes_modes')
  const columns = { feature: a.ints('nodes_featureids'), yes: a.ints('nodes_truenodeids'), no: a.ints('nodes_falsenodeids') }
  const values = a.floats('nodes_values')
  const missing = a.ints('nodes_missing_value_tracks_true')
  const covers = a.floats('nodes_hitrates')
  const count = treeIds.length
  for (const [name, list] of Object.entries({ nodes_nodeids: nodeIds, nodes_modes: modes, nodes_values: values, ...columns }))
    if (list.length !== count) refuse(`${name} has ${list.length} entries, nodes_treeids ${count}`, 'the file is damaged; export again')

  const sizes = new Map<number, number>()
  for (let i = 0; i < count; i++) sizes.set(treeIds[i]!, Math.max(sizes.get(treeIds[i]!) ?? 0, nodeIds[i]! + 1))
  const trees = new Map(
    [...sizes].map(([id, size]) => [id, emptyTree(size > count ? refuse(`node id ${size - 1}`, 'export again') : size)]),
  )
  for (let i = 0; i < count; i++) {
    const tree = trees.get(treeIds[i]!)!
    const node = nodeIds[i]!
    const mode = modes[i]!
    tree.cover[node] = covers[i] ?? 0
    if (!MODES.has(mode)) refuse(`node mode ${mode} in tree ${treeIds[i]}, node ${node}`, 'use numeric splits (<=, <, >, >=)')
    if (mode === 'LEAF') continue
    const split = asLessOrEqual(mode, values[i]!, columns.yes[i]!, columns.no[i]!, missing[i] === 1)
    tree.feature[node] = columns.feature[i]!
    tree.threshold[node] = split.threshold
    tree.left[node] = split.left
    tree.right[node] = split.right
    tree.missingLeft[node] = split.missingLeft ? 1 : 0
  }
  fillLeaves(a, trees)
  return [...trees.values()]
}

const fillLeaves = (a: Attributes, trees: ReadonlyMap<number, Tree>): void => {
  const treeIds = a.ints('target_treeids')
  const nodeIds = a.ints('target_nodeids')
  const weights = a.floats('target_weights')
  const targets = a.ints('target_ids')
  for (let i = 0; i < treeIds.length; i++) {
    const tree = trees.get(treeIds[i]!)
    const node = nodeIds[i]!
    if (targets[i] !== 0 || weights[i] === undefined || tree?.feature[node] !== -1)
      return refuse(`target ${i} names no leaf (tree ${treeIds[i]}, node ${node})`, 'the file is damaged; export again')
    tree.leafValue[node] = tree.leafValue[node]! + weights[i]!
  }
}

/**
 * Trees of an ONNX graph `float32[N, d] → float32[N, 1]` with one `TreeEnsembleRegressor` (ai.onnx.ml 1 to 3), trees and nodes in the
 * order of the file. NaN takes the side `nodes_missing_value_tracks_true` names (right where the attribute is absent).
 * @throws Error saying what is unsupported or damaged, and what to do.
 */
export const readTreeEnsembleOnnx = (bytes: Uint8Array): TreeEnsemble => {
  const { graph } = decodeOnnxModel(bytes)
  const nodes = graph?.node ?? []
  const operators = nodes.map((node) => node.opType).join(', ') || 'nothing'
  const [node] = nodes
  if (nodes.length !== 1 || node?.opType !== 'TreeEnsembleRegressor')
    return refuse(`the graph computes ${operators}`, 'a member must be a single TreeEnsembleRegressor of the raw margin')
  const attributes = attributesOf(node)
  checkNode(attributes)
  const ensemble = { features: columnsOf(graph.input[0]), base: attributes.floats('base_values')[0] ?? 0, trees: treesOf(attributes) }
  checkTreeEnsemble(ensemble)
  return ensemble
}
