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
  blockShaps(layout: number, count: number): void
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
  /** A copy of everything allocated so far: {@link kernelMemoryOf} makes a memory of it in which every address means the same. */
  image(): ArrayBuffer
}

const instance = (): KernelExports => new WebAssembly.Instance(kernelModule()).exports as unknown as KernelExports

const growTo = ({ memory }: KernelExports, bytes: number): void => {
  const missing = bytes - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
}

/** `used`: bytes from the beginning that are taken. */
const allocator = (kernels: KernelExports, used: number): KernelMemory => {
  let next = used
  const allocate = (bytes: number): number => {
    const at = Math.ceil(next / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    const end = at + bytes
    if (end > MEMORY_BYTES_MAX)
      throw new Error(
        `the model needs more than ${MEMORY_BYTES_MAX / 2 ** 20} MiB of tables (${Math.ceil(end / 2 ** 20)} MiB); train shallower or fewer trees`,
      )
    growTo(kernels, end)
    next = end
    return at
  }
  return { kernels, allocate, buffer: () => kernels.memory.buffer, image: () => kernels.memory.buffer.slice(0, next) }
}

/** @throws Error where the pieces together exceed 512 MiB. */
export const kernelMemory = (): KernelMemory => {
  const kernels = instance()
  return allocator(kernels, kernels.heapBase())
}

/** Copied at once: 0.1 to 0.2 ms with the page faults of fresh memory. */
const SLICE_BYTES = 256 * 1024

/** A memory like the one that `image` was taken of, perhaps on another thread. Between slices others have their `turn`. */
export const kernelMemoryOf = async (image: ArrayBuffer, turn: () => Promise<void>): Promise<KernelMemory> => {
  const kernels = instance()
  growTo(kernels, image.byteLength)
  for (let at = 0; at < image.byteLength; at += SLICE_BYTES) {
    const slice = new Uint8Array(image, at, Math.min(SLICE_BYTES, image.byteLength - at))
    new Uint8Array(kernels.memory.buffer, at, slice.length).set(slice)
    await turn()
  }
  return allocator(kernels, image.byteLength)
}
