package scorestream.peer;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** The 70 rolling features of the engine under comparison, in its order: windows of calendar months up to the application's instant. */
final class Features {
  static final int SIZE = 70;
  private static final double DAY_MS = 86_400_000.0;

  private final float[] out;
  private int at;

  private Features(float[] out) {
    this.out = out;
  }

  static void write(ApplicantState state, CreditEvent application, float[] out) {
    Features features = new Features(out);
    features.fill(state, application);
    if (features.at != SIZE) throw new IllegalStateException(features.at + " features, expected " + SIZE);
  }

  private void fill(ApplicantState state, CreditEvent application) {
    long now = application.eventTime;
    OffsetDateTime date = Instant.ofEpochMilli(now).atOffset(ZoneOffset.UTC);
    long[] since = {
      0, date.minusMonths(1).toInstant().toEpochMilli(), 0, date.minusMonths(3).toInstant().toEpochMilli(), 0, 0,
      date.minusMonths(6).toInstant().toEpochMilli(),
    };
    EventRing statements = state.statements;
    EventRing payments = state.payments;
    int rows = statements.until(now);
    int paymentRows = payments.until(now);
    int from3 = statements.after(since[3], rows);
    int from6 = statements.after(since[6], rows);
    Statements of = new Statements(statements, new StatementColumns(statements, rows, payments), from3, from6, rows);
    double[] amounts = payments.columns[ApplicantState.AMOUNT];
    Series paid1 = new Series(amounts, payments.times, payments.after(since[1], paymentRows), paymentRows);
    Series paid3 = new Series(amounts, payments.times, payments.after(since[3], paymentRows), paymentRows);
    Series paid6 = new Series(amounts, payments.times, payments.after(since[6], paymentRows), paymentRows);
    double limit = of.six(statements.columns[ApplicantState.LIMIT]).last();
    application(state, application, since[6], limit, of);
    history(statements, rows, from6, now);
    balances(of, limit, now);
    lateness(of, now);
    discipline(of);
    payments(payments, paymentRows, paid1, paid3, paid6, limit, of, now);
  }

  private record Statements(EventRing ring, StatementColumns columns, int from3, int from6, int rows) {
    Series three(double[] values) {
      return new Series(values, ring.times, from3, rows);
    }

    Series six(double[] values) {
      return new Series(values, ring.times, from6, rows);
    }

    double[] balance() {
      return ring.columns[ApplicantState.BALANCE];
    }
  }

  private void add(double value) {
    out[at++] = (float) value;
  }

  /** Missing where the divisor is not positive. */
  private static double ratio(double dividend, double divisor) {
    return divisor > 0 ? dividend / divisor : Double.NaN;
  }

  private void application(ApplicantState state, CreditEvent application, long since, double limit, Statements of) {
    EventRing earlier = state.applications;
    int rows = earlier.until(application.eventTime - 1);
    add(application.amount);
    add(application.termMonths);
    add(application.incomeMonthly);
    add(ratio(application.amount, application.incomeMonthly));
    add(ratio(application.amount, limit));
    add(ratio(application.amount, of.six(of.balance()).mean()));
    add(rows - earlier.after(since, rows));
    add(rows == 0 ? Double.NaN : (application.eventTime - earlier.times[rows - 1]) / DAY_MS);
  }

  private void history(EventRing statements, int rows, int from6, long now) {
    add(rows - from6);
    add(rows == 0 ? Double.NaN : (now - statements.firstTime) / DAY_MS);
    add(rows == 0 ? Double.NaN : (now - statements.times[rows - 1]) / DAY_MS);
  }

  private void balances(Statements of, double limit, long now) {
    Series six = of.six(of.balance());
    double mean3 = of.three(of.balance()).mean();
    Series headroom = of.six(of.columns.headroom);
    Series charges = of.six(of.columns.newCharges);
    Series utilisation3 = of.three(of.columns.utilisation);
    Series utilisation6 = of.six(of.columns.utilisation);
    add(limit);
    add(six.last());
    add(six.first());
    add(mean3);
    add(six.mean());
    add(six.max());
    add(six.std());
    add(six.slope(now));
    add(ratio(mean3, six.mean()));
    add(headroom.last());
    add(charges.last());
    add(charges.mean());
    add(utilisation6.last());
    add(utilisation3.mean());
    add(utilisation6.mean());
    add(utilisation6.max());
    add(utilisation6.min());
    add(utilisation6.std());
    add(utilisation3.slope(now));
    add(utilisation6.slope(now));
  }

  private void lateness(Statements of, long now) {
    double[] status = of.ring.columns[ApplicantState.STATUS];
    Series three = of.three(status);
    Series six = of.six(status);
    add(six.last());
    add(of.six(of.columns.repaymentStatusBefore).last());
    add(six.first());
    add(three.mean());
    add(six.mean());
    add(three.max());
    add(six.max());
    add(six.min());
    add(six.slope(now));
    add(of.three(of.columns.late).flagged());
    add(of.six(of.columns.late).flagged());
    add(of.three(of.columns.severelyLate).flagged());
    add(of.six(of.columns.severelyLate).flagged());
    add(of.six(of.columns.late).longestStreak());
    add(of.six(of.columns.severelyLate).longestStreak());
    add(of.six(of.columns.unused).mean());
    add(of.six(of.columns.settled).mean());
  }

  private void discipline(Statements of) {
    Series share = of.six(of.columns.paidShare);
    add(share.last());
    add(of.three(of.columns.paidShare).mean());
    add(share.mean());
    add(share.min());
    add(of.six(of.columns.paidInFull).mean());
    add(of.three(of.columns.missed).flagged());
    add(of.six(of.columns.missed).flagged());
    add(of.six(of.columns.missed).longestStreak());
  }

  private void payments(
      EventRing ring, int rows, Series paid1, Series paid3, Series paid6, double limit, Statements of, long now) {
    add(paid3.count());
    add(paid6.count());
    add(paid1.sum());
    add(paid3.sum());
    add(paid6.sum());
    add(paid6.mean());
    add(paid6.std());
    add(paid6.min());
    add(paid6.max());
    add(paid6.last());
    add(paid6.slope(now));
    add(rows == 0 ? Double.NaN : (now - ring.times[rows - 1]) / DAY_MS);
    add(ratio(paid6.sum(), limit));
    add(ratio(paid6.sum(), of.six(of.balance()).sum()));
  }
}
