/** Reads LightGBM's model text (format v4) as plain trees. */
import { emptyTree, type Tree, type TreeEnsemble } from '#registry/onnx/tree-ensemble.ts'

/** Bits of `decision_type` (LightGBM `include/LightGBM/tree.h`): categorical, default left, then two bits of missing type. */
const CATEGORICAL_BIT = 1
const DEFAULT_LEFT_BIT = 2
const MISSING_TYPE_SHIFT = 2
const MISSING_NONE = 0
const MISSING_NAN = 2

type Block = ReadonlyMap<string, string>

const readBlock = (text: string): Block => {
  const pairs = text
    .split('\n')
    .map((line) => [line, line.indexOf('=')] as const)
    .filter(([, equals]) => equals > 0)
  return new Map(pairs.map(([line, equals]) => [line.slice(0, equals), line.slice(equals + 1)]))
}

const numbers = (block: Block, key: string): number[] => {
  const text = block.get(key)
  if (text === undefined) throw new Error(`LightGBM model text: a tree lacks "${key}"; expected format v4`)
  return text === '' ? [] : text.split(' ').map(readNumber)
}

/** C++ writes an infinite threshold as "inf": it parts the known values from the missing ones. */
const readNumber = (text: string): number => {
  const value = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text)
  if (Number.isNaN(value)) throw new Error(`LightGBM model text: "${text.slice(0, 32)}" is no number; save the model again`)
  return value
}

/** Where NaN goes: to the default side where the feature had missing values in training, else it counts as 0. */
const missingGoesLeft = (decisionType: number, threshold: number, index: number): boolean => {
  const missingType = decisionType >> MISSING_TYPE_SHIFT
  if ((decisionType & CATEGORICAL_BIT) !== 0)
    throw new Error(`LightGBM model text: tree ${index} has a categorical split; encode it as numbers`)
  if (missingType === MISSING_NONE) return threshold >= 0
  if (missingType !== MISSING_NAN)
    throw new Error(`LightGBM model text: tree ${index} treats zero as missing; train with zero_as_missing=false`)
  return (decisionType & DEFAULT_LEFT_BIT) !== 0
}

/** LightGBM numbers internal nodes 0 … s − 1 and writes leaf l as ~l: here leaf l becomes node s + l. */
const readTree = (block: Block, index: number): Tree => {
  const leafValues = numbers(block, 'leaf_value')
  const splits = leafValues.length - 1
  const tree = emptyTree(splits + leafValues.length)
  tree.leafValue.set(leafValues, splits)
  if (splits === 0) return tree
  const [features, thresholds, decisions] = [numbers(block, 'split_feature'), numbers(block, 'threshold'), numbers(block, 'decision_type')]
  const [lefts, rights] = [numbers(block, 'left_child'), numbers(block, 'right_child')]
  const node = (child: number): number => (child >= 0 ? child : splits + ~child)
  tree.feature.set(features)
  tree.threshold.set(thresholds)
  tree.left.set(lefts.map(node))
  tree.right.set(rights.map(node))
  tree.missingLeft.set(decisions.map((decision, split) => Number(missingGoesLeft(decision, thresholds[split]!, index))))
  tree.cover.set(numbers(block, 'internal_count'))
  tree.cover.set(numbers(block, 'leaf_count'), splits)
  return tree
}

/** The ensemble whose margin is LightGBM's raw score. Throws where a tree uses what the export does not carry. */
export const readLightGbmText = (text: string): TreeEnsemble => {
  const body = text.slice(0, text.indexOf('end of trees'))
  const [head = '', ...blocks] = body.split(/^Tree=\d+$/m)
  const features = Number(readBlock(head).get('max_feature_idx')) + 1
  if (!Number.isInteger(features)) throw new Error('LightGBM model text: no max_feature_idx; expected format v4')
  return { features, base: 0, trees: blocks.map((block, index) => readTree(readBlock(block), index)) }
}
