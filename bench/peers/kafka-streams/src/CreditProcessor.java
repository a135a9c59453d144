package scorestream.peer;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Reads the applicant's state, decides an application, folds the event, writes the state. */
final class CreditProcessor implements Processor<String, byte[], String, byte[]> {
  static final String STORE = "applicants";
  static final AtomicLong EVENTS = new AtomicLong();
  static final AtomicLong DECISIONS = new AtomicLong();

  private final Scorer scorer;
  private ProcessorContext<String, byte[]> context;
  private KeyValueStore<String, ApplicantState> store;

  CreditProcessor(Scorer scorer) {
    this.scorer = scorer;
  }

  @Override
  public void init(ProcessorContext<String, byte[]> given) {
    context = given;
    store = given.getStateStore(STORE);
  }

  @Override
  public void process(Record<String, byte[]> record) {
    CreditEvent event = CreditEvent.parse(record.value());
    EVENTS.incrementAndGet();
    if (event.kind.equals("outcome")) return;
    ApplicantState state = store.get(record.key());
    if (state == null) state = new ApplicantState();
    if (event.kind.equals("application")) {
      context.forward(record.withValue(scorer.decide(state, event)));
      DECISIONS.incrementAndGet();
    }
    state.fold(event);
    store.put(record.key(), state);
  }
}
