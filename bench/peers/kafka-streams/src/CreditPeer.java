package scorestream.peer;

import java.io.FileReader;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;

/**
 * The same job on Kafka Streams. The argument names a properties file: those of Kafka Streams begin with {@code streams.}, those of the model with
 * {@code model.}; {@code topic.events} and {@code topic.decisions} name the topics, {@code explained} says whether SHAP values are asked for. Writes to standard output, four times a second, how many events
 * and decisions there were and what state the client is in; ends cleanly on SIGTERM.
 */
public final class CreditPeer {
  private static final Duration CLOSE_MAX = Duration.ofSeconds(20);
  private static final long REPORT_MS = 250;

  private CreditPeer() {}

  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    try (FileReader reader = new FileReader(arguments[0])) {
      settings.load(reader);
    }
    KafkaStreams streams = new KafkaStreams(topology(settings), streamsOf(settings));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE_MAX)));
    streams.start();
    while (streams.state() != KafkaStreams.State.ERROR) {
      System.out.println(CreditProcessor.EVENTS.get() + " " + CreditProcessor.DECISIONS.get() + " " + streams.state());
      Thread.sleep(REPORT_MS);
    }
    System.exit(1);
  }

  private static Topology topology(Properties settings) throws Exception {
    Scorer scorer = new Scorer(settings);
    Topology topology = new Topology();
    topology.addSource("events", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), settings.getProperty("topic.events"));
    topology.addProcessor("score", () -> new CreditProcessor(scorer), "events");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(CreditProcessor.STORE), Serdes.String(), ApplicantState.serde())
            .withCachingEnabled(),
        "score");
    topology.addSink("decisions", settings.getProperty("topic.decisions"), Serdes.String().serializer(), Serdes.ByteArray().serializer(), "score");
    return topology;
  }

  private static Properties streamsOf(Properties settings) {
    Properties streams = new Properties();
    String prefix = "streams.";
    for (String name : settings.stringPropertyNames())
      if (name.startsWith(prefix)) streams.setProperty(name.substring(prefix.length()), settings.getProperty(name));
    return streams;
  }
}
