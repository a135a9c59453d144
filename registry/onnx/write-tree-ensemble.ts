/** Writes a tree ensemble as an ONNX graph `features: float32[N, d] → margin: float32[N, 1]`. */
import { roundDownToFloat32 } from './float32.ts'
import { ATTRIBUTE_TYPE, ELEMENT_FLOAT32, encodeOnnxModel, type OnnxAttribute, type OnnxValueInfo } from './onnx-schema.ts'
import { checkTreeEnsemble, isLeaf, type TreeEnsemble } from './tree-ensemble.ts'

const text = new TextEncoder()
const floats = (name: string, values: number[]): OnnxAttribute => ({ name, type: ATTRIBUTE_TYPE.floats, floats: values })
const ints = (name: string, values: number[]): OnnxAttribute => ({ name, type: ATTRIBUTE_TYPE.ints, ints: values })
const int = (name: string, value: number): OnnxAttribute => ({ name, type: ATTRIBUTE_TYPE.int, i: value })
const string = (name: string, value: string): OnnxAttribute => ({ name, type: ATTRIBUTE_TYPE.string, s: text.encode(value) })
const strings = (name: string, values: string[]): OnnxAttribute => ({
  name,
  type: ATTRIBUTE_TYPE.strings,
  strings: values.map((value) => text.encode(value)),
})

const tensor = (name: string, columns: number): OnnxValueInfo => ({
  name,
  type: { tensorType: { elemType: ELEMENT_FLOAT32, shape: { dim: [{ dimParam: 'N' }, { dimValue: columns }] } } },
})

/** The attributes of `TreeEnsembleRegressor`, ai.onnx.ml operator set 3: one entry a node, in tree and node order. */
const attributes = ({ base, trees }: TreeEnsemble): OnnxAttribute[] => {
  const node = { tree: [] as number[], id: [] as number[], feature: [] as number[], value: [] as number[], mode: [] as string[] }
  const link = { left: [] as number[], right: [] as number[], missingLeft: [] as number[], cover: [] as number[] }
  const leaf = { tree: [] as number[], node: [] as number[], target: [] as number[], weight: [] as number[] }
  for (const [t, tree] of trees.entries())
    for (let i = 0; i < tree.feature.length; i++) {
      const ends = isLeaf(tree, i)
      node.tree.push(t)
      node.id.push(i)
      node.feature.push(ends ? 0 : tree.feature[i]!)
      node.value.push(ends ? 0 : roundDownToFloat32(tree.threshold[i]!))
      node.mode.push(ends ? 'LEAF' : 'BRANCH_LEQ')
      link.left.push(ends ? 0 : tree.left[i]!)
      link.right.push(ends ? 0 : tree.right[i]!)
      link.missingLeft.push(ends ? 0 : tree.missingLeft[i]!)
      link.cover.push(Math.fround(tree.cover[i]!))
      if (!ends) continue
      leaf.tree.push(t)
      leaf.node.push(i)
      leaf.target.push(0)
      leaf.weight.push(Math.fround(tree.leafValue[i]!))
    }
  return [
    string('aggregate_function', 'SUM'),
    floats('base_values', [Math.fround(base)]),
    int('n_targets', 1),
    ints('nodes_falsenodeids', link.right),
    ints('nodes_featureids', node.feature),
    floats('nodes_hitrates', link.cover),
    ints('nodes_missing_value_tracks_true', link.missingLeft),
    strings('nodes_modes', node.mode),
    ints('nodes_nodeids', node.id),
    ints('nodes_treeids', node.tree),
    ints('nodes_truenodeids', link.left),
    floats('nodes_values', node.value),
    string('post_transform', 'NONE'),
    ints('target_ids', leaf.target),
    ints('target_nodeids', leaf.node),
    ints('target_treeids', leaf.tree),
    floats('target_weights', leaf.weight),
  ]
}

/**
 * ONNX bytes of an ensemble; the same ensemble gives the same bytes. Thresholds are rounded down to float32 (no decision on a float32
 * input changes), leaves, base and covers to the nearest float32.
 * @throws Error where the ensemble is not well formed.
 */
export const writeTreeEnsembleOnnx = (ensemble: TreeEnsemble, about: { readonly name: string; readonly doc: string }): Uint8Array => {
  checkTreeEnsemble(ensemble)
  return encodeOnnxModel({
    irVersion: 8,
    producerName: 'scorestream',
    docString: about.doc,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    graph: {
      name: about.name,
      node: [
        {
          input: ['features'],
          output: ['margin'],
          name: about.name,
          opType: 'TreeEnsembleRegressor',
          domain: 'ai.onnx.ml',
          attribute: attributes(ensemble),
        },
      ],
      input: [tensor('features', ensemble.features)],
      output: [tensor('margin', 1)],
    },
  })
}
