"""Recomputes the drift and calibration values of monitoring.json with numpy 2.4 and scipy 1.17: python test/golden/check.py

Evidently, NannyML and Frouros differ in their bins only, which are rebuilt here: 12 equal bins over both samples (Sturges), Doane's bins of
the reference with what falls outside in a bin of its own, 10 equal bins over both samples.
"""
import json, pathlib
import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

golden = json.loads((pathlib.Path(__file__).parent / "monitoring.json").read_text())
n = 1000
reference = stats.norm.ppf((np.arange(n) + 0.5) / n)
current = reference + 0.5
both = np.r_[reference, current]


def shares(edges, leftover=False):
    p, q = (np.histogram(x, edges)[0] / n for x in (reference, current))
    return (np.r_[p, 1 - p.sum()], np.r_[q, 1 - q.sum()]) if leftover else (p, q)


def psi(p, q):
    p, q = (np.where(x == 0, 1e-4, x) for x in (p, q))
    return ((q - p) * np.log(q / p)).sum()


deciles = np.r_[-np.inf, np.quantile(reference, np.arange(1, 10) / 10), np.inf]
sturges = np.histogram_bin_edges(both, "sturges")
doane = shares(np.histogram_bin_edges(reference, "doane"), leftover=True)
exact = stats.ks_2samp(reference, current, method="exact")
found = {
    "psi_reference_deciles_eps_1e-4": psi(*shares(deciles)),
    "psi_evidently": psi(*shares(sturges)),
    "psi_frouros_10_equal_width_pooled": psi(*shares(np.linspace(both.min(), both.max(), 11))),
    "jensen_shannon_nannyml_base2": jensenshannon(*doane, 2),
    "jensen_shannon_evidently_natural": jensenshannon(*shares(sturges)),
    "hellinger": np.sqrt(((np.sqrt(doane[0]) - np.sqrt(doane[1])) ** 2).sum() / 2),
    "ks_statistic": exact.statistic,
    "ks_p_exact": exact.pvalue,
    "ks_p_asymptotic": stats.ks_2samp(reference, current, method="asymp").pvalue,
    "wasserstein_over_sigma": stats.wasserstein_distance(reference, current) / reference.std(),
}
for name, value in found.items():
    wanted = golden["drift"][name]
    assert abs(value - wanted) <= max(1e-6, 0) and abs(value / wanted - 1) < 1e-3, (name, value, wanted)
case = golden["calibration"]["binomial_vs_jeffreys"]
assert abs(stats.binom.sf(case["defaults"] - 1, case["n"], case["pd"]) - case["binomial_p"]) < 1e-6
assert abs(stats.beta.cdf(case["pd"], case["defaults"] + 0.5, case["n"] - case["defaults"] + 0.5) - case["jeffreys_p"]) < 1e-6
print(len(found) + 2, "values agree")
