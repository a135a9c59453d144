"""The peer: a scoring pipeline as a data scientist would write it. Dicts for state, NumPy for features, LightGBM for the score, shap for reasons.

Usage: python python_pipeline.py EVENTS.ndjson {behavioural|applications} [--seconds 60] [--background 1000]

Reads the demo stream (one JSON event a line), fits a fixed 300-tree, depth-6 LightGBM on the first clients (not timed), then measures events per second
over the rest: json.loads, state update, and for an application 64 features, the score and interventional SHAP values. No durability, no network, no
warehouse: everything the engine does beside scoring is left out in the peer's favour. Prints one JSON line.
"""
import argparse, json, sys, time
from datetime import datetime

import lightgbm, numpy, shap


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("events")
    parser.add_argument("mode", choices=["behavioural", "applications"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--background", type=int, default=1000)
    options = parser.parse_args()

    states, rows, labels, waiting, held = {}, [], [], {}, []
    with open(options.events, encoding="utf8") as stream:
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
    booster = model.booster_
    explainer = shap.TreeExplainer(booster, data=shap.maskers.Independent(x[: options.background], max_samples=options.background))

    def decide(state, event):
        row = numpy.asarray([features(state, event)])
        margin = float(booster.predict(row, raw_score=True, num_threads=1)[0])
        values = explainer.shap_values(row, check_additivity=False)[0]
        worst = numpy.argsort(-values)[:4]
        return json.dumps({"applicationId": event["applicationId"], "probability": 1 / (1 + numpy.exp(-margin)), "reasons": [[int(i), float(values[i])] for i in worst]})

    done, began = 0, time.perf_counter()
    deadline = began + options.seconds
    if options.mode == "behavioural":
        fresh = {}
        while time.perf_counter() < deadline:
            with open(options.events, encoding="utf8") as stream:
                for line in stream:
                    event = json.loads(line)
                    if event["kind"] in ("statement", "payment"):
                        update(fresh, event)
                        done += 1
                        if done % 1000 == 0 and time.perf_counter() > deadline:
                            break
            fresh = {}
    else:
        while time.perf_counter() < deadline:
            for line, state in held:
                decide(state, json.loads(line))
                done += 1
                if time.perf_counter() > deadline:
                    break
    took = time.perf_counter() - began
    json.dump({"mode": options.mode, "perSecond": done / took, "count": done, "seconds": took, "features": len(rows[0])}, sys.stdout)
    print()


main()
