/** LightGBM's own attributions (`pred_contrib`) through its C API, as a Node program would call them. */
import koffi from 'koffi'

const FLOAT64 = 1
const ROW_MAJOR = 1
const PREDICT_CONTRIB = 3

export interface Contributions {
  /** Attributions of `rows` rows of float64 features, row-major, the base last in each row. */
  of(vectors: Float64Array, rows: number): Float64Array
}

/** Loads a saved model with the library at `library`; one thread. @throws Error with the library's reason. */
export const lightGbmContributions = (library: string, modelFile: string, features: number): Contributions => {
  const api = koffi.load(library)
  const lastError = api.func('const char *LGBM_GetLastError()')
  const create = api.func('int LGBM_BoosterCreateFromModelfile(const char *file, _Out_ int *iterations, _Out_ void **out)')
  const predict = api.func(
    'int LGBM_BoosterPredictForMat(void *booster, const void *data, int type, int32_t rows, int32_t columns, int rowMajor, int predictType, int from, int iterations, const char *parameters, _Out_ int64_t *count, _Out_ double *results)',
  )
  const check = (call: string, status: number): void => {
    if (status !== 0) throw new Error(`LightGBM ${call} failed: ${String(lastError())}`)
  }
  const booster: unknown[] = [null]
  check('BoosterCreateFromModelfile', create(modelFile, [0], booster) as number)
  return {
    of(vectors, rows) {
      const out = new Float64Array(rows * (features + 1))
      const status = predict(
        booster[0],
        vectors,
        FLOAT64,
        rows,
        features,
        ROW_MAJOR,
        PREDICT_CONTRIB,
        0,
        -1,
        'num_threads=1',
        [0],
        out,
      ) as number
      check('BoosterPredictForMat', status)
      return out
    },
  }
}
