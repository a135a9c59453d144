package scorestream.peer;

/** Numbers of a window of events; missing ones (NaN) are left out of everything. */
record Series(double[] values, long[] times, int from, int to) {
  /** Mean Gregorian month, the unit of time of slopes. */
  private static final double MONTH_MS = 2_629_746_000.0;
  /** Events that lie within a second have no slope. */
  private static final double XX_MIN = Math.pow(1_000 / MONTH_MS, 2);

  int count() {
    int count = 0;
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i])) count++;
    return count;
  }

  double sum() {
    double sum = 0;
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i])) sum += values[i];
    return sum;
  }

  double mean() {
    int count = count();
    return count == 0 ? Double.NaN : sum() / count;
  }

  double max() {
    double greatest = Double.NaN;
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i]) && !(greatest >= values[i])) greatest = values[i];
    return greatest;
  }

  double min() {
    double least = Double.NaN;
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i]) && !(least <= values[i])) least = values[i];
    return least;
  }

  double first() {
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i])) return values[i];
    return Double.NaN;
  }

  double last() {
    for (int i = to - 1; i >= from; i--) if (!Double.isNaN(values[i])) return values[i];
    return Double.NaN;
  }

  /** Sample standard deviation in two passes. */
  double std() {
    int count = count();
    if (count < 2) return Double.NaN;
    double mean = sum() / count;
    double squares = 0;
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i])) squares += (values[i] - mean) * (values[i] - mean);
    return Math.sqrt(squares / (count - 1));
  }

  /** Least squares, per month. */
  double slope(long origin) {
    int count = count();
    if (count < 2) return Double.NaN;
    double sumX = 0;
    for (int i = from; i < to; i++) if (!Double.isNaN(values[i])) sumX += (times[i] - origin) / MONTH_MS;
    double meanX = sumX / count;
    double meanY = sum() / count;
    double xx = 0;
    double xy = 0;
    for (int i = from; i < to; i++) {
      if (Double.isNaN(values[i])) continue;
      double x = (times[i] - origin) / MONTH_MS - meanX;
      xx += x * x;
      xy += x * (values[i] - meanY);
    }
    return xx > XX_MIN ? xy / xx : Double.NaN;
  }

  /** Events for which a flag holds. */
  int flagged() {
    int count = 0;
    for (int i = from; i < to; i++) if (values[i] == 1) count++;
    return count;
  }

  double longestStreak() {
    double longest = Double.NaN;
    int streak = 0;
    for (int i = from; i < to; i++) {
      if (Double.isNaN(values[i])) continue;
      streak = values[i] == 1 ? streak + 1 : 0;
      if (!(longest >= streak)) longest = streak;
    }
    return longest;
  }
}
