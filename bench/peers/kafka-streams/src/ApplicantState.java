package scorestream.peer;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What is kept of an applicant: as many events of each kind as the engine under comparison keeps. */
final class ApplicantState {
  static final int BALANCE = 0;
  static final int LIMIT = 1;
  static final int STATUS = 2;
  static final int AMOUNT = 0;

  final EventRing statements = new EventRing(12, 3);
  final EventRing payments = new EventRing(32, 1);
  final EventRing applications = new EventRing(12, 0);

  /** Other kinds bear on no decision. */
  void fold(CreditEvent event) {
    switch (event.kind) {
      case "statement" -> statements.insert(event.eventTime, event.closingBalance, event.creditLimit, event.repaymentStatus);
      case "payment" -> payments.insert(event.eventTime, event.amount);
      case "application" -> applications.insert(event.eventTime);
      default -> {}
    }
  }

  static Serde<ApplicantState> serde() {
    return Serdes.serdeFrom(
        (topic, state) -> {
          if (state == null) return null;
          ByteBuffer out = ByteBuffer.allocate(state.statements.bytes() + state.payments.bytes() + state.applications.bytes());
          state.statements.write(out);
          state.payments.write(out);
          state.applications.write(out);
          return out.array();
        },
        (topic, bytes) -> {
          if (bytes == null) return null;
          ApplicantState state = new ApplicantState();
          ByteBuffer in = ByteBuffer.wrap(bytes);
          state.statements.read(in);
          state.payments.read(in);
          state.applications.read(in);
          return state;
        });
  }
}
