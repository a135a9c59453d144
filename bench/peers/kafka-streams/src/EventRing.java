package scorestream.peer;

import java.nio.ByteBuffer;

/** The newest events of one kind, ascending by event time, with a few numbers each. What does not fit is the oldest and is dropped. */
final class EventRing {
  private static final int MILLIS = Long.BYTES;

  final int capacity;
  final long[] times;
  /** One array a number that is kept. */
  final double[][] columns;
  int held;
  /** Of the first event ever; meaningful where one is held. */
  long firstTime;

  EventRing(int capacity, int columns) {
    this.capacity = capacity;
    this.times = new long[capacity];
    this.columns = new double[columns][capacity];
  }

  void insert(long time, double... values) {
    if (held == 0 || time < firstTime) firstTime = time;
    int at = held;
    while (at > 0 && times[at - 1] > time) at--;
    if (held == capacity) {
      if (at == 0) return;
      at--;
      shift(1, 0, at);
    } else {
      shift(at, at + 1, held - at);
      held++;
    }
    times[at] = time;
    for (int c = 0; c < columns.length; c++) columns[c][at] = values[c];
  }

  private void shift(int from, int to, int count) {
    System.arraycopy(times, from, times, to, count);
    for (double[] column : columns) System.arraycopy(column, from, column, to, count);
  }

  /** Events up to and with {@code time}. */
  int until(long time) {
    int rows = held;
    while (rows > 0 && times[rows - 1] > time) rows--;
    return rows;
  }

  /** First of the oldest {@code rows} events that is later than {@code time}. */
  int after(long time, int rows) {
    int from = rows;
    while (from > 0 && times[from - 1] > time) from--;
    return from;
  }

  int bytes() {
    return 1 + MILLIS + held * (MILLIS + Double.BYTES * columns.length);
  }

  void write(ByteBuffer out) {
    out.put((byte) held).putLong(firstTime);
    for (int i = 0; i < held; i++) {
      out.putLong(times[i]);
      for (double[] column : columns) out.putDouble(column[i]);
    }
  }

  void read(ByteBuffer in) {
    held = in.get();
    firstTime = in.getLong();
    for (int i = 0; i < held; i++) {
      times[i] = in.getLong();
      for (double[] column : columns) column[i] = in.getDouble();
    }
  }
}
