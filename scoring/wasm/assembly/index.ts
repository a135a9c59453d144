/** First byte the host may use. */
export function heapBase(): usize {
  return __heap_base
}

export { treeMargins } from './tree-margin'
export { blockCodes, blockShap, blockShaps } from './block-shap'
