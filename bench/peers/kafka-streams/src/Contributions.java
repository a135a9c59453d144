package scorestream.peer;

import com.microsoft.ml.lightgbm.SWIGTYPE_p_double;
import com.microsoft.ml.lightgbm.SWIGTYPE_p_int;
import com.microsoft.ml.lightgbm.SWIGTYPE_p_long_long;
import com.microsoft.ml.lightgbm.SWIGTYPE_p_p_void;
import com.microsoft.ml.lightgbm.SWIGTYPE_p_void;
import com.microsoft.ml.lightgbm.lightgbmlib;
import com.microsoft.ml.lightgbm.lightgbmlibConstants;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** LightGBM's own SHAP values of a row (pred_contrib) by its fastest call for single rows, one thread. */
final class Contributions {
  private static final String LIBRARIES = "/com/microsoft/ml/lightgbm/linux/x86_64/";

  private final SWIGTYPE_p_void fast;
  private final SWIGTYPE_p_long_long count;
  private final SWIGTYPE_p_double results;
  private final double[] row = new double[Features.SIZE];

  Contributions(String modelFile) throws IOException {
    load();
    count = lightgbmlib.new_int64_tp();
    results = lightgbmlib.new_doubleArray(Features.SIZE + 1L);
    SWIGTYPE_p_int iterations = lightgbmlib.new_intp();
    SWIGTYPE_p_p_void booster = lightgbmlib.new_voidpp();
    check(lightgbmlib.LGBM_BoosterCreateFromModelfile(modelFile, iterations, booster));
    SWIGTYPE_p_p_void configured = lightgbmlib.new_voidpp();
    check(
        lightgbmlib.LGBM_BoosterPredictForMatSingleRowFastInit(
            lightgbmlib.voidpp_value(booster),
            lightgbmlibConstants.C_API_PREDICT_CONTRIB,
            0,
            -1,
            lightgbmlibConstants.C_API_DTYPE_FLOAT64,
            Features.SIZE,
            "num_threads=1",
            configured));
    fast = lightgbmlib.voidpp_value(configured);
  }

  /** Writes one number a feature, and the base last. */
  void of(float[] vector, double[] out) {
    for (int i = 0; i < row.length; i++) row[i] = vector[i];
    check(lightgbmlib.LGBM_BoosterPredictForMatSingleRowFastCriticalSWIG(row, fast, count, results));
    for (int i = 0; i < out.length; i++) out[i] = lightgbmlib.doubleArray_getitem(results, i);
  }

  private static void check(int status) {
    if (status != 0) throw new IllegalStateException("LightGBM: " + lightgbmlib.LGBM_GetLastError());
  }

  private static void load() throws IOException {
    Path folder = Files.createTempDirectory("lightgbm");
    for (String name : new String[] {"lib_lightgbm.so", "lib_lightgbm_swig.so"}) {
      Path file = folder.resolve(name);
      try (InputStream in = Contributions.class.getResourceAsStream(LIBRARIES + name)) {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      }
      System.load(file.toString());
    }
  }
}
