"""Evidently on the same windows: reads a JSON request a line, answers one a line.

{"reference": FILE, "windows": FILE, "columns": [...], "rows": 2000} - float32 rows, column by column names; NaN is missing. Answers per
window the columns that drifted under its defaults (normed Wasserstein ≥ 0.1) and under PSI ≥ 0.25, and its own verdict on the data set (half of
the columns).
"""
import json
import sys
import time
import warnings

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")


def frame(path, columns):
    return pd.DataFrame(np.fromfile(path, dtype="<f4").reshape(-1, len(columns)), columns=columns)


def drifted(current, reference, definition, **options):
    report = Report([DataDriftPreset(**options)])
    result = report.run(Dataset.from_pandas(current, data_definition=definition), Dataset.from_pandas(reference, data_definition=definition))
    columns, share = [], 0.0
    for metric in result.dict()["metrics"]:
        config = metric["config"]
        if config["type"].endswith("DriftedColumnsCount"):
            share = metric["value"]["share"]
        elif metric["value"] >= config["threshold"]:
            columns.append(config["column"])
    return columns, share


def answer(request):
    names = request["columns"]
    reference, windows = frame(request["reference"], names), frame(request["windows"], names)
    # A column without values, or with a single one, has no distribution to compare.
    usable = [name for name in names if reference[name].nunique() > 1]
    definition = DataDefinition(numerical_columns=usable)
    out, began = [], time.perf_counter()
    for start in range(0, len(windows) - request["rows"] + 1, request["rows"]):
        current = windows.iloc[start : start + request["rows"]][usable]
        columns, share = drifted(current, reference[usable], definition)
        psi, _ = drifted(current, reference[usable], definition, num_method="psi", num_threshold=0.25)
        out.append({"columns": columns, "dataset": share >= 0.5, "psi": psi})
    return {"windows": out, "seconds": time.perf_counter() - began}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
