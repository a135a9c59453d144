"""Interventional SHAP values by `shap` itself for stored decisions. Usage: python shap_of_bundle.py BUNDLE_DIR DECISIONS.json

Reads the bundle's ONNX graphs with `onnx`, rebuilds the trees for shap.TreeExplainer, explains every vector against the bundle's whole background, combines
the members by their weights, and prints the largest differences from what the decisions say as one JSON line.
"""
import json, sys
import numpy, onnx, shap

bundle, decisions = sys.argv[1], json.load(open(sys.argv[2]))
manifest = json.load(open(f"{bundle}/manifest.json"))
size = len(manifest["features"])
background = numpy.fromfile(f"{bundle}/{manifest['background']['file']}", dtype="<f4").reshape(-1, size).astype(float)
vectors = numpy.array([[numpy.nan if v is None else v for v in d["vector"]] for d in decisions])


def trees_of(path):
    node = next(n for n in onnx.load(path).graph.node if n.op_type == "TreeEnsembleRegressor")
    at = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    leaf = {(t, i): w for t, i, w in zip(at["target_treeids"], at["target_nodeids"], at["target_weights"])}
    trees = []
    for tree in sorted(set(at["nodes_treeids"])):
        rows = [i for i, t in enumerate(at["nodes_treeids"]) if t == tree]
        place = {at["nodes_nodeids"][i]: n for n, i in enumerate(rows)}
        column = lambda name: numpy.array([at[name][i] for i in rows])
        is_leaf = numpy.array([at["nodes_modes"][i] == b"LEAF" for i in rows])
        assert all(at["nodes_modes"][i] in (b"LEAF", b"BRANCH_LEQ") for i in rows)
        left = numpy.array([-1 if leafy else place[at["nodes_truenodeids"][i]] for i, leafy in zip(rows, is_leaf)])
        right = numpy.array([-1 if leafy else place[at["nodes_falsenodeids"][i]] for i, leafy in zip(rows, is_leaf)])
        missing_left = numpy.array(at.get("nodes_missing_value_tracks_true") or [0] * len(at["nodes_treeids"]))[rows] == 1
        values = numpy.array([[leaf.get((tree, at["nodes_nodeids"][i]), 0.0)] for i in rows])
        trees.append({
            "children_left": left, "children_right": right, "children_default": numpy.where(is_leaf, -1, numpy.where(missing_left, left, right)),
            "features": numpy.where(is_leaf, -2, column("nodes_featureids")), "thresholds": column("nodes_values").astype(float), "values": values,
            "node_sample_weight": numpy.ones(len(rows)),
        })
    return trees, sum(at.get("base_values") or [0.0])


total, base = numpy.zeros(vectors.shape), manifest["combiner"]["intercept"]
for member in manifest["members"]:
    if member["weight"] == 0:
        continue
    trees, offset = trees_of(f"{bundle}/{member['file']}")
    explainer = shap.TreeExplainer({"trees": trees}, data=shap.maskers.Independent(background, max_samples=len(background)), feature_perturbation="interventional")
    total += member["weight"] * numpy.asarray(explainer.shap_values(vectors, check_additivity=False)).reshape(vectors.shape)
    base += member["weight"] * (float(numpy.ravel(explainer.expected_value)[0]) + offset)

stored = numpy.array([d["attributions"] for d in decisions])
print(json.dumps({
    "decisions": len(decisions), "background": len(background), "largest": float(numpy.abs(stored).max()),
    "attributions": float(numpy.abs(stored - total).max()), "base": float(max(abs(d["base"] - base) for d in decisions)),
    "additivity": float(max(abs(d["margin"] - base - t.sum()) for d, t in zip(decisions, total))),
}))
