/**
 * XGBoost over its C API: matrices of float32 rows, boosters advanced one iteration at a time, raw margins, the model as JSON.
 * Reference: XGBoost `include/xgboost/c_api.h`. Every call returns 0 or leaves its reason in `XGBGetLastError`.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import koffi, { type LibraryHandle } from 'koffi'
import { XgboostMissing } from './library.ts'

/** Opaque native pointer. */
type Handle = unknown

/** Rows of float32 features, row-major, NaN = missing. */
export interface Matrix {
  readonly values: Float32Array
  readonly rows: number
  readonly columns: number
}

export class XgboostFailure extends Error {
  readonly code = 'xgboost-failure'
  constructor(call: string, reason: string) {
    super(`XGBoost ${call} failed: ${reason}`)
    this.name = 'XgboostFailure'
  }
}

const bind = (library: LibraryHandle) => ({
  lastError: library.func('const char *XGBGetLastError()'),
  version: library.func('void XGBoostVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)'),
  buildInfo: library.func('int XGBuildInfo(_Out_ const char **out)'),
  setGlobalConfig: library.func('int XGBSetGlobalConfig(const char *config)'),
  matrixCreate: library.func(
    'int XGDMatrixCreateFromMat(const float *data, uint64_t rows, uint64_t columns, float missing, _Out_ void **out)',
  ),
  matrixSetFloat: library.func('int XGDMatrixSetFloatInfo(void *matrix, const char *field, const float *data, uint64_t length)'),
  matrixFree: library.func('int XGDMatrixFree(void *matrix)'),
  boosterCreate: library.func('int XGBoosterCreate(void **matrices, uint64_t length, _Out_ void **out)'),
  boosterSet: library.func('int XGBoosterSetParam(void *booster, const char *name, const char *value)'),
  boosterUpdate: library.func('int XGBoosterUpdateOneIter(void *booster, int iteration, void *matrix)'),
  boosterEval: library.func(
    'int XGBoosterEvalOneIter(void *booster, int iteration, void **matrices, const char **names, uint64_t length, _Out_ const char **out)',
  ),
  boosterPredict: library.func(
    'int XGBoosterPredictFromDMatrix(void *booster, void *matrix, const char *config, _Out_ void **shape, _Out_ uint64_t *dimensions, _Out_ void **result)',
  ),
  boosterSave: library.func('int XGBoosterSaveModelToBuffer(void *booster, const char *config, _Out_ uint64_t *length, _Out_ void **data)'),
  boosterConfig: library.func('int XGBoosterSaveJsonConfig(void *booster, _Out_ uint64_t *length, _Out_ const char **out)'),
  boosterFree: library.func('int XGBoosterFree(void *booster)'),
})

export type Xgboost = ReturnType<typeof bind> & {
  /** Release and the start of the library file's SHA-256: another build may fit other trees. */
  readonly description: string
  /** Whether this build can use a CUDA device, should there be one. */
  readonly cuda: boolean
}

const check = (api: ReturnType<typeof bind>, call: string, status: number): void => {
  if (status !== 0) throw new XgboostFailure(call, api.lastError())
}

/** Loads the library at `path`. Throws {@link XgboostMissing} when the loader refuses it. */
export const openXgboost = (path: string): Xgboost => {
  let api: ReturnType<typeof bind>
  try {
    api = bind(koffi.load(path))
  } catch (cause) {
    throw new XgboostMissing([`${path} (${cause instanceof Error ? cause.message : String(cause)})`], cause)
  }
  const [major, minor, patch] = [[0], [0], [0]]
  api.version(major, minor, patch)
  const info: string[] = ['']
  check(api, 'BuildInfo', api.buildInfo(info))
  // Only warnings and errors on standard error.
  check(api, 'SetGlobalConfig', api.setGlobalConfig('{"verbosity": 0}'))
  const digits = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)
  return {
    ...api,
    description: `XGBoost ${major[0]}.${minor[0]}.${patch[0]}, library sha256:${digits}`,
    cuda: (JSON.parse(info[0] ?? '{}') as { USE_CUDA?: boolean }).USE_CUDA === true,
  }
}

/** Rows, with labels (0 good, 1 bad) where they are given. Must be freed. */
export class DataMatrix {
  readonly #api: Xgboost
  readonly handle: Handle
  readonly rows: number

  constructor(api: Xgboost, { values, rows, columns }: Matrix, labels?: ArrayLike<number>) {
    if (values.length < rows * columns)
      throw new RangeError(`matrix of ${rows} × ${columns} needs ${rows * columns} values, got ${values.length}`)
    this.#api = api
    this.rows = rows
    const out: Handle[] = [null]
    check(api, 'DMatrixCreateFromMat', api.matrixCreate(values, rows, columns, Number.NaN, out))
    this.handle = out[0]
    if (labels !== undefined) check(api, 'DMatrixSetFloatInfo', api.matrixSetFloat(this.handle, 'label', Float32Array.from(labels), rows))
  }

  free(): void {
    check(this.#api, 'DMatrixFree', this.#api.matrixFree(this.handle))
  }
}

/** A boosted ensemble being grown. Must be freed before its matrices. */
export class Booster {
  readonly #api: Xgboost
  readonly #handle: Handle

  constructor(api: Xgboost, parameters: Readonly<Record<string, string | number>>, matrices: readonly DataMatrix[]) {
    this.#api = api
    const out: Handle[] = [null]
    const handles = matrices.map(({ handle }) => handle)
    check(api, 'BoosterCreate', api.boosterCreate(handles, handles.length, out))
    this.#handle = out[0]
    for (const [name, value] of Object.entries(parameters)) check(api, 'BoosterSetParam', api.boosterSet(this.#handle, name, String(value)))
  }

  /** Grows tree `iteration`, from 0. */
  update(iteration: number, training: DataMatrix): void {
    check(this.#api, 'BoosterUpdateOneIter', this.#api.boosterUpdate(this.#handle, iteration, training.handle))
  }

  /** The metric of `eval_metric` on each matrix. */
  evaluate(iteration: number, matrices: readonly DataMatrix[]): number[] {
    const out: string[] = ['']
    const names = matrices.map((_, index) => `m${index}`)
    const handles = matrices.map(({ handle }) => handle)
    check(this.#api, 'BoosterEvalOneIter', this.#api.boosterEval(this.#handle, iteration, handles, names, names.length, out))
    // "[7]\tm0-logloss:0.43\tm1-logloss:0.44"
    return (out[0] ?? '')
      .split('\t')
      .slice(1)
      .map((part) => Number(part.slice(part.lastIndexOf(':') + 1)))
  }

  /** Raw margins (log-odds of bad) as XGBoost sums them, in float32. */
  margins(matrix: DataMatrix): Float64Array {
    const [shape, dimensions, result]: [Handle[], number[], Handle[]] = [[null], [0], [null]]
    const config = '{"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false}'
    check(this.#api, 'BoosterPredict', this.#api.boosterPredict(this.#handle, matrix.handle, config, shape, dimensions, result))
    return Float64Array.from(koffi.decode(result[0], 'float', matrix.rows) as ArrayLike<number>)
  }

  /** The model in XGBoost's JSON format. */
  json(): string {
    const [length, data]: [number[], Handle[]] = [[0], [null]]
    check(this.#api, 'BoosterSaveModel', this.#api.boosterSave(this.#handle, '{"format": "json"}', length, data))
    const bytes = koffi.decode(data[0], 'uint8_t', Number(length[0])) as ArrayLike<number>
    return Buffer.from(Uint8Array.from(bytes)).toString('utf8')
  }

  /** Device that fits, as XGBoost itself says: `cpu`, `cuda:0` … */
  device(): string {
    const [length, out]: [number[], string[]] = [[0], ['']]
    check(this.#api, 'BoosterSaveJsonConfig', this.#api.boosterConfig(this.#handle, length, out))
    const config = JSON.parse(out[0] ?? '{}') as { learner?: { generic_param?: { device?: string } } }
    return config.learner?.generic_param?.device ?? 'cpu'
  }

  free(): void {
    check(this.#api, 'BoosterFree', this.#api.boosterFree(this.#handle))
  }
}
