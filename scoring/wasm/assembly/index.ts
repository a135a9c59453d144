/** First byte the host may use. */
export function heapBase(): usize {
  return __heap_base
}

export { treeMargins } from './tree-margin'
export { blockCodes, blockShap } from './block-shap'
export { blockShaps } from './block-shaps'
