"""The peer of bench/outliers.ts: scikit-learn, one thread, one request a line on stdin, one JSON answer a line on stdout.

  {"do": "prepare"}                            fits both on seeded rows; answers with rows, sample, the forest's trees and versions
  {"do": "time", "what": "forest" | "factor", "rows": N, "batch": N}  CPU microseconds a row of the first N rows, batch by batch, and the scores
"""
import json, os, sys, time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np, sklearn
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

FEATURES, SAMPLE, ROWS, TREES, ROWS_A_TREE, NEIGHBOURS = 60, 512, 2000, 100, 256, 20
random = np.random.default_rng(5)
sample = random.normal(size=(SAMPLE, FEATURES)).astype(np.float32)
rows = random.normal(scale=1.5, size=(ROWS, FEATURES)).astype(np.float32)
wide = rows.astype(np.float64)
forest = IsolationForest(n_estimators=TREES, max_samples=ROWS_A_TREE, random_state=1, n_jobs=1).fit(sample)
factor = LocalOutlierFactor(n_neighbors=NEIGHBOURS, novelty=True, n_jobs=1).fit(sample.astype(np.float64))


def tree(estimator):
    grown = estimator.tree_
    return {
        "feature": [int(feature) if feature >= 0 else -1 for feature in grown.feature],
        "threshold": grown.threshold.tolist(),
        "left": grown.children_left.tolist(),
        "right": grown.children_right.tolist(),
        "rows": grown.n_node_samples.tolist(),
    }


def answer(request):
    if request["do"] == "prepare":
        return {
            "versions": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
            "features": FEATURES,
            "neighbours": NEIGHBOURS,
            "rowsATree": ROWS_A_TREE,
            "sample": sample.astype(np.float64).ravel().tolist(),
            "rows": wide.ravel().tolist(),
            "trees": [tree(estimator) for estimator in forest.estimators_],
        }
    count, batch = request["rows"], request["batch"]
    score, given = (forest.score_samples, rows) if request["what"] == "forest" else (factor.score_samples, wide)
    started = time.process_time()
    scores = np.concatenate([score(given[at : at + batch]) for at in range(0, count, batch)])
    return {"us": (time.process_time() - started) * 1e6 / count, "scores": (-scores).tolist()}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
