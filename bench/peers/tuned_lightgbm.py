"""LightGBM as a data scientist would tune it in Python, on the very vectors the engine trains on.

Reads FOLDER/vectors.f32 (rows x columns float32, row-major, NaN missing), labels.u8, holdout.u8, fold-seed from the command line;
writes FOLDER/holdout-probabilities.f64 for the holdout rows in order, and prints what it chose as JSON.

    python tuned_lightgbm.py FOLDER COLUMNS [TRIALS]

Random search over the parameters usually tuned, stratified 5-fold cross-validation with early stopping, refit on all training rows.
"""

import json
import sys
import warnings

import lightgbm
import numpy as np

warnings.filterwarnings("ignore")

folder, columns, trials = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 30
vectors = np.fromfile(f"{folder}/vectors.f32", np.float32).reshape(-1, columns)
labels = np.fromfile(f"{folder}/labels.u8", np.uint8)
holdout = np.fromfile(f"{folder}/holdout.u8", np.uint8) == 1

rng = np.random.default_rng(7)
training = lightgbm.Dataset(vectors[~holdout], labels[~holdout], free_raw_data=False, params={"verbosity": -1})
best = None
for _ in range(trials):
    parameters = {
        "objective": "binary", "metric": "binary_logloss", "verbosity": -1, "num_threads": 2, "seed": 1, "deterministic": True,
        "force_row_wise": True, "feature_pre_filter": False,
        "learning_rate": float(rng.choice([0.02, 0.03, 0.05])), "num_leaves": int(rng.choice([7, 15, 31, 63])),
        "max_depth": int(rng.choice([3, 4, 6, 8, -1])), "min_data_in_leaf": int(rng.choice([20, 50, 100, 200, 400])),
        "lambda_l2": float(rng.choice([0, 1, 10, 30, 100])), "feature_fraction": float(rng.choice([0.2, 0.3, 0.5, 0.8])),
        "bagging_fraction": float(rng.choice([0.6, 0.8, 1.0])), "bagging_freq": 1,
    }
    curve = lightgbm.cv(parameters, training, num_boost_round=1500, nfold=5, stratified=True, seed=3,
                        callbacks=[lightgbm.early_stopping(50, verbose=False)])["valid binary_logloss-mean"]
    if best is None or min(curve) < best[0]:
        best = (min(curve), parameters, int(np.argmin(curve)) + 1)

loss, parameters, iterations = best
booster = lightgbm.train(parameters, training, num_boost_round=round(iterations * 1.25**0.5))
booster.predict(vectors[holdout]).astype(np.float64).tofile(f"{folder}/holdout-probabilities.f64")
print(json.dumps({"lightgbm": lightgbm.__version__, "trials": trials, "logLoss": loss, "iterations": iterations, "parameters": parameters}))
