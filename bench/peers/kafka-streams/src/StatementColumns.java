package scorestream.peer;

/** What is computed from each statement, alone or with the one before it and the payments in between. Nothing owed: nothing to pay late. */
final class StatementColumns {
  final double[] repaymentStatusBefore;
  final double[] late;
  final double[] severelyLate;
  final double[] unused;
  final double[] settled;
  final double[] utilisation;
  final double[] headroom;
  final double[] paidShare;
  final double[] paidInFull;
  final double[] missed;
  final double[] newCharges;

  StatementColumns(EventRing statements, int rows, EventRing payments) {
    double[] balance = statements.columns[ApplicantState.BALANCE];
    double[] limit = statements.columns[ApplicantState.LIMIT];
    double[] status = statements.columns[ApplicantState.STATUS];
    repaymentStatusBefore = new double[rows];
    late = new double[rows];
    severelyLate = new double[rows];
    unused = new double[rows];
    settled = new double[rows];
    utilisation = new double[rows];
    headroom = new double[rows];
    paidShare = new double[rows];
    paidInFull = new double[rows];
    missed = new double[rows];
    newCharges = new double[rows];
    for (int i = 0; i < rows; i++) {
      boolean hasBefore = i > 0;
      double before = hasBefore ? balance[i - 1] : Double.NaN;
      double paid = hasBefore ? paidBetween(payments, statements.times[i - 1], statements.times[i]) : Double.NaN;
      boolean owed = before > 0;
      repaymentStatusBefore[i] = hasBefore ? status[i - 1] : Double.NaN;
      late[i] = status[i] > 0 ? 1 : 0;
      severelyLate[i] = status[i] >= 2 ? 1 : 0;
      unused[i] = status[i] == -2 ? 1 : 0;
      settled[i] = status[i] == -1 ? 1 : 0;
      utilisation[i] = limit[i] == 0 ? Double.NaN : balance[i] / limit[i];
      headroom[i] = limit[i] - balance[i];
      paidShare[i] = owed ? Math.min(paid / before, 1) : Double.NaN;
      paidInFull[i] = owed ? (paid >= before ? 1 : 0) : Double.NaN;
      missed[i] = owed ? (paid == 0 ? 1 : 0) : Double.NaN;
      newCharges[i] = balance[i] - before + paid;
    }
  }

  private static double paidBetween(EventRing payments, long after, long until) {
    double sum = 0;
    for (int i = 0; i < payments.held; i++)
      if (payments.times[i] > after && payments.times[i] <= until) sum += payments.columns[ApplicantState.AMOUNT][i];
    return sum;
  }
}
