/** XGBoost as a learner: histograms on a CUDA device where it finds one and may, else on the CPU. */
import { BINS_MAX, DEPTH_MAX, growCurves, type TreeLearner, type TreeSettings, type TreeTask } from '../boosted-trees.ts'
import type { Dataset } from '../dataset.ts'
import { readXgboostJson } from './model-json.ts'
import { Booster, DataMatrix, type Matrix, type Xgboost } from './xgboost.ts'

/** Hessian of a row at a bad rate near a fifth, p(1 − p): `min_child_weight` counts Hessians where the settings count rows. */
const HESSIAN_OF_A_ROW = 0.15

/**
 * The shared settings in XGBoost's words. `lossguide` with `max_leaves` grows by gain, as LightGBM does. The base score is fixed: an
 * estimated one would be rounded on its way through the model file.
 */
const treeParameters = (settings: TreeSettings, task: TreeTask, columns: number, device: string): Record<string, string | number> => ({
  objective: 'binary:logistic',
  eval_metric: 'logloss',
  tree_method: 'hist',
  grow_policy: 'lossguide',
  device,
  base_score: 0.5,
  max_depth: Math.min(settings.depth, DEPTH_MAX),
  max_leaves: settings.leaves,
  min_child_weight: settings.rowsPerLeafMin * HESSIAN_OF_A_ROW,
  lambda: settings.ridge,
  eta: settings.learningRate,
  colsample_bytree: settings.featureShare,
  subsample: settings.rowShare,
  max_bin: BINS_MAX,
  monotone_constraints: `(${Array.from({ length: columns }, (_, feature) => task.directions.get(feature) ?? 0).join(',')})`,
  nthread: task.threads,
  seed: task.seed,
})

const asMatrix = ({ values, rows, columns }: Dataset): Matrix => ({ values, rows, columns })

/** `auto`: a CUDA device where there is one. `cuda`: that or nothing. */
export type DeviceWish = 'auto' | 'cpu' | 'cuda'

/** A CUDA device was asked for and cannot be had; the message says what is missing. */
export class DeviceMissing extends Error {
  readonly code = 'device-missing'
  constructor(what: string) {
    super(`training was told to use a CUDA device, and ${what}; or let it choose: device auto`)
    this.name = 'DeviceMissing'
  }
}

/** The device XGBoost settles on when asked for CUDA: it falls back to the CPU by itself and says so in its configuration. */
const settledDevice = (api: Xgboost): string => {
  const data = new DataMatrix(api, { values: Float32Array.of(0, 1), rows: 2, columns: 1 }, [0, 1])
  const booster = new Booster(api, { objective: 'binary:logistic', tree_method: 'hist', device: 'cuda' }, [data])
  try {
    booster.update(0, data)
    return booster.device()
  } finally {
    booster.free()
    data.free()
  }
}

const deviceOf = (api: Xgboost, wish: DeviceWish): string => {
  if (wish === 'cpu') return 'cpu'
  if (!api.cuda) {
    if (wish === 'auto') return 'cpu'
    throw new DeviceMissing('this build of XGBoost knows none: npm run setup:xgboost -- --cuda brings one that does')
  }
  const device = settledDevice(api)
  if (wish === 'cuda' && !device.startsWith('cuda'))
    throw new DeviceMissing(`XGBoost found none and fell back to ${device}: check the driver`)
  return device
}

/** @throws DeviceMissing where CUDA is demanded and cannot be had. */
export const xgboostLearner = (api: Xgboost, wish: DeviceWish = 'auto'): TreeLearner => {
  const device = deviceOf(api, wish)
  return {
    kind: 'xgboost',
    description: `${api.description}, on ${device}`,

    parameters(settings, task, columns) {
      const { monotone_constraints: _, nthread: __, ...told } = treeParameters(settings, task, columns, device)
      return told
    },

    validationCurves(task, settings, training, validations, limits) {
      const set = new DataMatrix(api, asMatrix(training), training.labels)
      const others = validations.map((data) => new DataMatrix(api, asMatrix(data), data.labels))
      const booster = new Booster(api, treeParameters(settings, task, training.columns, device), [set, ...others])
      try {
        return growCurves(
          others.length,
          limits,
          (iteration) => {
            booster.update(iteration - 1, set)
            return false
          },
          (iteration) => booster.evaluate(iteration - 1, others),
        )
      } finally {
        booster.free()
        for (const data of [...others, set]) data.free()
      }
    },

    fit(task, settings, training, iterations, scored) {
      const set = new DataMatrix(api, asMatrix(training), training.labels)
      const booster = new Booster(api, treeParameters(settings, task, training.columns, device), [set])
      const marginsOf = (data: Dataset): Float64Array => {
        const matrix = new DataMatrix(api, asMatrix(data))
        const margins = booster.margins(matrix)
        matrix.free()
        return margins
      }
      try {
        for (let iteration = 0; iteration < iterations; iteration++) booster.update(iteration, set)
        return { ensemble: readXgboostJson(booster.json()), margins: scored.map(marginsOf) }
      } finally {
        booster.free()
        set.free()
      }
    },
  }
}
