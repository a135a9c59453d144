package scorestream.peer;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/** Margin of a row by ONNX Runtime on one thread, from a direct buffer that is used again. */
final class TreeModel implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final String input;
  private final FloatBuffer row =
      ByteBuffer.allocateDirect(Features.SIZE * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();

  TreeModel(String file) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    options.setIntraOpNumThreads(1);
    options.setInterOpNumThreads(1);
    session = environment.createSession(file, options);
    input = session.getInputNames().iterator().next();
  }

  double margin(float[] vector) {
    row.clear();
    row.put(vector);
    row.flip();
    try (OnnxTensor tensor = OnnxTensor.createTensor(environment, row, new long[] {1, Features.SIZE});
        OrtSession.Result result = session.run(Map.of(input, tensor))) {
      return ((OnnxTensor) result.get(0)).getFloatBuffer().get(0);
    } catch (OrtException cause) {
      throw new IllegalStateException(cause);
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
