package scorestream.peer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/** Feature vector to a decision as JSON: the margin stacked and calibrated as the bundle says, cut-offs, and with SHAP the four largest reasons. */
final class Scorer {
  private static final int REASONS = 4;

  private final TreeModel model;
  private final Contributions contributions;
  private final double weight;
  private final double intercept;
  private final double slope;
  private final double shift;
  private final double refer;
  private final double decline;
  private final float[] vector = new float[Features.SIZE];
  private final double[] shap = new double[Features.SIZE + 1];

  Scorer(Properties settings) throws Exception {
    model = new TreeModel(settings.getProperty("model.onnx"));
    boolean explained = Boolean.parseBoolean(settings.getProperty("explained"));
    contributions = explained ? new Contributions(settings.getProperty("model.lightgbm")) : null;
    weight = number(settings, "model.weight");
    intercept = number(settings, "model.intercept");
    slope = number(settings, "model.calibration.slope");
    shift = number(settings, "model.calibration.intercept");
    refer = number(settings, "model.refer");
    decline = number(settings, "model.decline");
  }

  private static double number(Properties settings, String key) {
    return Double.parseDouble(settings.getProperty(key));
  }

  byte[] decide(ApplicantState state, CreditEvent application) {
    Features.write(state, application, vector);
    double margin = weight * model.margin(vector) + intercept;
    double probability = 1 / (1 + Math.exp(-(slope * margin + shift)));
    String decision = probability >= decline ? "decline" : probability >= refer ? "refer" : "approve";
    StringBuilder json = new StringBuilder(512);
    json.append("{\"eventId\":\"").append(application.eventId);
    json.append("\",\"applicantId\":\"").append(application.applicantId);
    json.append("\",\"applicationId\":\"").append(application.applicationId);
    json.append("\",\"decision\":\"").append(decision);
    json.append("\",\"probability\":").append(probability);
    if (contributions != null) explain(json);
    return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
  }

  /** All attributions, and the largest as reasons. */
  private void explain(StringBuilder json) {
    contributions.of(vector, shap);
    json.append(",\"attributions\":[");
    for (int i = 0; i < shap.length; i++) json.append(i == 0 ? "" : ",").append((float) shap[i]);
    json.append("],\"reasons\":[");
    boolean[] taken = new boolean[Features.SIZE];
    for (int n = 0; n < REASONS; n++) {
      int largest = -1;
      for (int i = 0; i < Features.SIZE; i++) if (!taken[i] && shap[i] > 0 && (largest < 0 || shap[i] > shap[largest])) largest = i;
      if (largest < 0) break;
      taken[largest] = true;
      json.append(n == 0 ? "" : ",").append(largest);
    }
    json.append(']');
  }
}
