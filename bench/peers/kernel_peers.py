"""The peers of bench/kernels.ts: LightGBM, shap and lleaves, one thread, one request a line on stdin, one JSON answer a line on stdout.

  {"do": "prepare", "dir": DIR}           trains the two fixed models into DIR (seeded, the same every time) and dumps them as JSON
  {"do": "versions"}                      versions of everything
  {"do": "time", "what": NAME, "rows": N} microseconds a row, and the values of the first rows
"""
import json, os, sys, time, warnings
from importlib.metadata import version

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")
import lightgbm, lleaves, numpy as np, shap

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # libraries print; only answers go to stdout
FEATURES, TREES, LEAVES, ROWS = 50, 300, 63, 2000
state = {}


def train(max_depth):
    random = np.random.default_rng(11)
    x = random.normal(size=(20000, FEATURES)).astype(np.float32)
    logit = x @ (random.normal(size=FEATURES) * 0.3) + np.sin(x[:, 0] * 2) * x[:, 1] + (x[:, 2] > 0) * x[:, 3]
    y = (random.random(len(x)) < 1 / (1 + np.exp(-logit))).astype(int)
    parameters = dict(objective="binary", num_leaves=LEAVES, max_depth=max_depth, learning_rate=0.1, min_data_in_leaf=20, seed=5,
                      deterministic=True, force_row_wise=True, num_threads=1, verbose=-1)
    return lightgbm.train(parameters, lightgbm.Dataset(x, y), TREES), x[:ROWS]


def prepare(directory):
    for name, depth in (("leaves63", -1), ("depth6", 6)):
        booster, rows = train(depth)
        path = os.path.join(directory, f"{name}.txt")
        booster.save_model(path)
        with open(os.path.join(directory, f"{name}.json"), "w") as file:
            json.dump([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]], file)
        rows.astype("<f4").tofile(os.path.join(directory, f"{name}.f32"))
        state[name], state["rows"] = booster, rows.astype(np.float64)
    compiled = lleaves.Model(model_file=os.path.join(directory, "leaves63.txt"))
    compiled.compile()
    state["lleaves"] = compiled
    rows = state["rows"]
    for size in (100, 1000):
        # shap subsamples a plain array to 100 rows without saying so; the masker names the number.
        masker = shap.maskers.Independent(rows[:size], max_samples=size)
        state[f"interventional{size}"] = shap.TreeExplainer(state["depth6"], masker, feature_perturbation="interventional")
    state["dependent"] = shap.TreeExplainer(state["depth6"], feature_perturbation="tree_path_dependent")
    return {"rows": ROWS, "features": FEATURES, "library": os.path.join(os.path.dirname(lightgbm.__file__), "lib", "lib_lightgbm.so")}


def one_by_one(call):
    return lambda rows: np.concatenate([np.atleast_1d(call(rows[i : i + 1])) for i in range(len(rows))])


def batches(call):
    return lambda rows: np.concatenate([call(rows[i : i + 256]) for i in range(0, len(rows), 256)])


def values(explainer):
    return lambda rows: explainer.shap_values(rows, check_additivity=False)


def timed(what, count):
    score = lambda rows: state["lleaves"].predict(rows, n_jobs=1)
    calls = {
        "lleaves1": one_by_one(score),
        "lleaves256": batches(score),
        "shap_path": values(state["dependent"]),
        "shap_100": values(state["interventional100"]),
        "shap_1000": values(state["interventional1000"]),
    }
    rows = np.ascontiguousarray(state["rows"][1000 : 1000 + count] if count <= 1000 else state["rows"][:count])
    started = time.perf_counter()
    found = calls[what](rows)
    elapsed = time.perf_counter() - started
    return {"us": elapsed / count * 1e6, "first": np.ravel(found[0]).tolist()}


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "prepare":
        answer = prepare(request["dir"])
    elif request["do"] == "versions":
        answer = {name: version(name) for name in ("lightgbm", "shap", "lleaves")} | {"python": sys.version.split()[0]}
    else:
        answer = timed(request["what"], request["rows"])
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
