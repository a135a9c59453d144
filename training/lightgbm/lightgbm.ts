/**
 * LightGBM over its C API: datasets from float32 matrices, boosters advanced one iteration at a time, raw margins, model text.
 * Reference: LightGBM `include/LightGBM/c_api.h`. Every call returns 0 or leaves its reason in `LGBM_GetLastError`.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import koffi, { type LibraryHandle } from 'koffi'
import { LightGbmMissing } from './library.ts'

const FLOAT32 = 0
const ROW_MAJOR = 1
const PREDICT_RAW = 1

export type LightGbmParameters = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>

/** Opaque native pointer. */
type Handle = unknown

/** Rows of float32 features, row-major, NaN = missing. */
export interface Matrix {
  readonly values: Float32Array
  readonly rows: number
  readonly columns: number
}

export class LightGbmFailure extends Error {
  readonly code = 'lightgbm-failure'
  constructor(call: string, reason: string) {
    super(`LightGBM ${call} failed: ${reason}`)
    this.name = 'LightGbmFailure'
  }
}

/** `key=value` pairs as the C API reads them; lists joined by commas. */
export const parameterText = (parameters: LightGbmParameters): string =>
  Object.entries(parameters)
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(',') : String(value)}`)
    .join(' ')

const bind = (library: LibraryHandle) => ({
  lastError: library.func('const char *LGBM_GetLastError()'),
  datasetCreate: library.func(
    'int LGBM_DatasetCreateFromMat(const void *data, int type, int32_t rows, int32_t columns, int rowMajor, const char *parameters, void *reference, _Out_ void **out)',
  ),
  datasetSetField: library.func('int LGBM_DatasetSetField(void *dataset, const char *field, const void *data, int count, int type)'),
  datasetFree: library.func('int LGBM_DatasetFree(void *dataset)'),
  boosterCreate: library.func('int LGBM_BoosterCreate(void *dataset, const char *parameters, _Out_ void **out)'),
  boosterAddValidation: library.func('int LGBM_BoosterAddValidData(void *booster, void *dataset)'),
  boosterUpdate: library.func('int LGBM_BoosterUpdateOneIter(void *booster, _Out_ int *finished)'),
  boosterEvalCount: library.func('int LGBM_BoosterGetEvalCounts(void *booster, _Out_ int *count)'),
  boosterEval: library.func('int LGBM_BoosterGetEval(void *booster, int dataset, _Out_ int *count, _Out_ double *results)'),
  boosterPredict: library.func(
    'int LGBM_BoosterPredictForMat(void *booster, const void *data, int type, int32_t rows, int32_t columns, int rowMajor, int predictType, int from, int iterations, const char *parameters, _Out_ int64_t *count, _Out_ double *results)',
  ),
  boosterSave: library.func(
    'int LGBM_BoosterSaveModelToString(void *booster, int from, int iterations, int importance, int64_t capacity, _Out_ int64_t *length, _Out_ void *text)',
  ),
  boosterFree: library.func('int LGBM_BoosterFree(void *booster)'),
})

export type LightGbm = ReturnType<typeof bind> & {
  /** Release where the wheel says so, and the start of the library file's SHA-256: another build may fit other trees. */
  readonly description: string
}

const describe = (path: string): string => {
  const versionFile = [dirname(path), dirname(dirname(path))].map((folder) => join(folder, 'VERSION.txt')).find((file) => existsSync(file))
  const release = versionFile === undefined ? '' : ` ${readFileSync(versionFile, 'utf8').trim()}`
  return `LightGBM${release}, library sha256:${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)}`
}

/** Loads the library at `path`. Throws {@link LightGbmMissing} when the loader refuses it (most often: no OpenMP runtime). */
export const openLightGbm = (path: string): LightGbm => {
  try {
    return { ...bind(koffi.load(path)), description: describe(path) }
  } catch (cause) {
    throw new LightGbmMissing([`${path} (${cause instanceof Error ? cause.message : String(cause)})`], cause)
  }
}

const check = (api: LightGbm, call: string, status: number): void => {
  if (status !== 0) throw new LightGbmFailure(call, api.lastError())
}

const checkShape = (matrix: Matrix): void => {
  if (matrix.values.length < matrix.rows * matrix.columns)
    throw new RangeError(
      `matrix of ${matrix.rows} × ${matrix.columns} needs ${matrix.rows * matrix.columns} values, got ${matrix.values.length}`,
    )
}

/** Binned rows with labels (0 good, 1 bad). Must be freed. */
export class TrainingSet {
  readonly #api: LightGbm
  readonly handle: Handle

  /** `reference`: a set whose bin boundaries are reused, as validation requires. */
  constructor(api: LightGbm, matrix: Matrix, labels: ArrayLike<number>, parameters: LightGbmParameters, reference?: TrainingSet) {
    checkShape(matrix)
    this.#api = api
    const out: Handle[] = [null]
    const text = parameterText(parameters)
    check(
      api,
      'DatasetCreateFromMat',
      api.datasetCreate(matrix.values, FLOAT32, matrix.rows, matrix.columns, ROW_MAJOR, text, reference?.handle ?? null, out),
    )
    this.handle = out[0]
    check(api, 'DatasetSetField', api.datasetSetField(this.handle, 'label', Float32Array.from(labels), matrix.rows, FLOAT32))
  }

  free(): void {
    check(this.#api, 'DatasetFree', this.#api.datasetFree(this.handle))
  }
}

/** A boosted ensemble being grown. Must be freed before its datasets. */
export class Booster {
  readonly #api: LightGbm
  readonly #handle: Handle

  constructor(api: LightGbm, training: TrainingSet, parameters: LightGbmParameters, validations: readonly TrainingSet[] = []) {
    this.#api = api
    const out: Handle[] = [null]
    check(api, 'BoosterCreate', api.boosterCreate(training.handle, parameterText(parameters), out))
    this.#handle = out[0]
    for (const validation of validations) check(api, 'BoosterAddValidData', api.boosterAddValidation(this.#handle, validation.handle))
  }

  /** Grows one tree. True when no split was worth making, so that further calls change nothing. */
  update(): boolean {
    const finished = [0]
    check(this.#api, 'BoosterUpdateOneIter', this.#api.boosterUpdate(this.#handle, finished))
    return finished[0] !== 0
  }

  /** The metrics of `parameters.metric` on validation set `index` (0-based), in their order. */
  evaluate(index: number): Float64Array {
    const count = [0]
    check(this.#api, 'BoosterGetEvalCounts', this.#api.boosterEvalCount(this.#handle, count))
    const results = new Float64Array(count[0] ?? 0)
    check(this.#api, 'BoosterGetEval', this.#api.boosterEval(this.#handle, index + 1, count, results))
    return results
  }

  /** Raw margins (log-odds of bad) of the first `iterations` trees, all when omitted. */
  margins(matrix: Matrix, iterations = -1): Float64Array {
    checkShape(matrix)
    const results = new Float64Array(matrix.rows)
    const { values, rows, columns } = matrix
    const status = this.#api.boosterPredict(
      this.#handle,
      values,
      FLOAT32,
      rows,
      columns,
      ROW_MAJOR,
      PREDICT_RAW,
      0,
      iterations,
      'num_threads=1',
      [0],
      results,
    )
    check(this.#api, 'BoosterPredictForMat', status)
    return results
  }

  /** The model in LightGBM's text format. */
  text(iterations = -1): string {
    const length = [0]
    check(this.#api, 'BoosterSaveModelToString', this.#api.boosterSave(this.#handle, 0, iterations, 0, 0, length, Buffer.alloc(1)))
    const buffer = Buffer.alloc(Number(length[0]))
    check(this.#api, 'BoosterSaveModelToString', this.#api.boosterSave(this.#handle, 0, iterations, 0, buffer.length, length, buffer))
    return buffer.toString('utf8', 0, buffer.indexOf(0))
  }

  free(): void {
    check(this.#api, 'BoosterFree', this.#api.boosterFree(this.#handle))
  }
}
