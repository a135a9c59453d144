"""The peer: a scoring pipeline as a data scientist would write it. Dicts for state, NumPy for features, LightGBM for the score, shap for reasons.

One request a line on stdin, one JSON answer a line on stdout:

  {"do": "prepare", "events": FILE, "background": 1000}           reads the demo stream (one JSON event a line), fits a fixed 300-tree, depth-6 LightGBM
  {"do": "time", "mode": "behavioural" | "applications", "seconds": N}  events per second of json.loads and state update; for an application also
                                                                  64 features, the score and interventional SHAP values

No durability, no network, no warehouse: everything the engine does beside scoring is left out in the peer's favour. One thread.
"""
import json, os, sys, time, warnings
from datetime import datetime

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")
import lightgbm, numpy, shap

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # libraries print; only answers go to stdout


def moments(values):
    if not values:
        return [0.0] + [float("nan")] * 5
    a = numpy.asarray(values, dtype=float)
    return [len(a), a.sum(), a.mean(), a.std(), a.min(), a.max()]


def slope(values):
    return float(numpy.polyfit(range(len(values)), values, 1)[0]) if len(values) > 1 else float("nan")


def streak(values):
    best = run = 0
    for value in values:
        run = run + 1 if value > 0 else 0
        best = max(best, run)
    return best


class State:
    __slots__ = ("statements", "payments")

    def __init__(self):
        self.statements, self.payments = [], []


def seconds(text):
    return datetime.fromisoformat(text).timestamp()


def update(states, event):
    state = states.get(event["applicantId"])
    if state is None:
        state = states[event["applicantId"]] = State()
    kind = event["kind"]
    if kind == "statement":
        state.statements.append((seconds(event["eventTime"]), event["closingBalance"], event["creditLimit"], event["repaymentStatus"]))
    elif kind == "payment":
        state.payments.append((seconds(event["eventTime"]), event["amount"]))
    return state


def features(state, event):
    now = seconds(event["eventTime"])
    row = [event["amount"], event["termMonths"]]
    for months in (1, 3, 6):
        since = now - months * 30.44 * 86400
        statements = [s for s in state.statements if s[0] > since]
        payments = [p[1] for p in state.payments if p[0] > since]
        row += moments([s[1] for s in statements])
        row += moments(payments)
        status = [s[3] for s in statements]
        row += [max(status, default=float("nan")), float(numpy.mean(status)) if status else float("nan"), sum(s > 0 for s in status), streak(status)]
        row += [slope([s[1] for s in statements]), slope([s[1] / s[2] if s[2] else 0 for s in statements])]
    last = state.statements[-1] if state.statements else (now, float("nan"), float("nan"), float("nan"))
    row += [last[1], last[2], last[3], last[1] / last[2] if last[2] else float("nan"), now - last[0]]
    row += [state.payments[-1][1] if state.payments else float("nan"), now - state.payments[-1][0] if state.payments else float("nan")]
    row += [event["amount"] / last[2] if last[2] else float("nan")]
    return row


def prepare(path, background):
    states, rows, labels, waiting, held = {}, [], [], {}, []
    with open(path, encoding="utf8") as stream:
        for line in stream:
            event = json.loads(line)
            state = update(states, event)
            if event["kind"] == "application":
                waiting[event["applicationId"]] = features(state, event)
                held.append((line, state))
            elif event["kind"] == "outcome" and event["applicationId"] in waiting:
                rows.append(waiting.pop(event["applicationId"]))
                labels.append(event["label"])
    x, y = numpy.asarray(rows), numpy.asarray(labels)
    model = lightgbm.LGBMClassifier(n_estimators=300, num_leaves=63, max_depth=6, learning_rate=0.05, n_jobs=1, verbose=-1, random_state=0).fit(x, y)
    masker = shap.maskers.Independent(x[:background], max_samples=background)
    return {"path": path, "held": held, "booster": model.booster_, "explainer": shap.TreeExplainer(model.booster_, data=masker), "features": x.shape[1]}


def decide(ready, state, event):
    row = numpy.asarray([features(state, event)])
    margin = float(ready["booster"].predict(row, raw_score=True, num_threads=1)[0])
    values = ready["explainer"].shap_values(row, check_additivity=False)[0]
    worst = numpy.argsort(-values)[:4]
    return json.dumps({"applicationId": event["applicationId"], "probability": 1 / (1 + numpy.exp(-margin)), "reasons": [[int(i), float(values[i])] for i in worst]})


def behavioural(ready, deadline):
    done = 0
    while True:
        fresh = {}
        with open(ready["path"], encoding="utf8") as stream:
            for line in stream:
                event = json.loads(line)
                if event["kind"] in ("statement", "payment"):
                    update(fresh, event)
                    done += 1
                    if done % 1000 == 0 and time.perf_counter() > deadline:
                        return done


def applications(ready, deadline):
    done = 0
    while True:
        for line, state in ready["held"]:
            decide(ready, state, json.loads(line))
            done += 1
            if time.perf_counter() > deadline:
                return done


ready = None
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "prepare":
        ready = prepare(request["events"], request["background"])
        answer = {"features": ready["features"], "lightgbm": lightgbm.__version__, "shap": shap.__version__, "python": sys.version.split()[0]}
    else:
        began = time.perf_counter()
        count = (behavioural if request["mode"] == "behavioural" else applications)(ready, began + request["seconds"])
        answer = {"perSecond": count / (time.perf_counter() - began), "count": count}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
