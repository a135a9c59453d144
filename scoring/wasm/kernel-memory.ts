/** One instance of the WebAssembly kernels with its own memory, handed out piece by piece and freed as a whole. */
import { readFileSync } from 'node:fs'

/** Exports of kernels.wasm; all arguments but `base` and the results are byte addresses or counts. Sources: wasm/assembly. */
interface KernelExports {
  readonly memory: WebAssembly.Memory
  heapBase(): number
  treeMargins(
    rows: number,
    count: number,
    features: number,
    groups: number,
    groupCount: number,
    base: number,
    scratch: number,
    out: number,
  ): void
  blockCodes(layout: number, row: number): void
  blockShap(layout: number, row: number): void
}

let compiled: WebAssembly.Module | undefined
const kernelModule = (): WebAssembly.Module => {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('kernels.wasm', import.meta.url)))
  return compiled
}

const PAGE_BYTES = 65_536
/** Most bytes one instance may take: tables of about 4,000 full blocks at depth 8, and far above any bundle of depth 6. */
const MEMORY_BYTES_MAX = 512 * 1024 * 1024
/** Every allocation starts on a cache line. */
const ALIGNMENT_BYTES = 64

export interface KernelMemory {
  readonly kernels: KernelExports
  /** Address of `bytes` zeroed bytes, 64-byte aligned. Views made before may be detached: make them after the last allocation. */
  allocate(bytes: number): number
  /** The memory as it is now; detached by the next allocation. */
  buffer(): ArrayBuffer
}

/** @throws Error where the pieces together exceed 512 MiB. */
export const kernelMemory = (): KernelMemory => {
  const kernels = new WebAssembly.Instance(kernelModule()).exports as unknown as KernelExports
  let next = kernels.heapBase()
  const allocate = (bytes: number): number => {
    const at = Math.ceil(next / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    const end = at + bytes
    if (end > MEMORY_BYTES_MAX)
      throw new Error(
        `the model needs more than ${MEMORY_BYTES_MAX / 2 ** 20} MiB of tables (${Math.ceil(end / 2 ** 20)} MiB); train shallower or fewer trees`,
      )
    const missing = end - kernels.memory.buffer.byteLength
    if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE_BYTES))
    next = end
    return at
  }
  return { kernels, allocate, buffer: () => kernels.memory.buffer }
}
