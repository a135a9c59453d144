/** The block `retrain` of the configuration: how a successor is trained when one is asked for. */
import Type from 'typebox'

export const RetrainSettings = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether requests for a successor are answered by this engine' }),
    learner: Type.Enum(['lightgbm', 'xgboost'], { default: 'lightgbm', description: 'Library that grows the trees' }),
    device: Type.Enum(['auto', 'cpu', 'cuda'], {
      default: 'auto',
      description: 'auto: XGBoost on a CUDA device where it finds one; cuda: that or no training; the bundle says what was used',
    }),
    plan: Type.Enum(['successor', 'full', 'quick'], {
      default: 'successor',
      description: 'How much is searched: a quarter of the full search, all of it, or next to nothing (for trials)',
    }),
    threads: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 4,
      description: 'Threads of the fit; one leaves the other core to the engine',
    }),
    priority: Type.Enum(['idle', 'low'], {
      default: 'idle',
      description:
        'idle: on Linux only what nothing else on the machine wants; low: a small share of a core even where others want all of it',
    }),
    heapMebibytes: Type.Integer({ default: 1_024, minimum: 128, maximum: 65_536, description: 'Heap of the training process, MiB' }),
    secondsMax: Type.Integer({ default: 900, minimum: 10, maximum: 86_400, description: 'Time after which a training is ended' }),
    rowsMax: Type.Integer({
      default: 60_000,
      minimum: 2_000,
      maximum: 5_000_000,
      description: 'Labelled applications to learn from and be judged on, the newest',
    }),
  },
  { default: {}, additionalProperties: false },
)
