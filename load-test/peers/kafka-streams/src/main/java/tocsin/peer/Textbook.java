package tocsin.peer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** The topology of every tutorial: split, filter by each rule, group, window, count, filter. */
final class Textbook {
  /** Partitions are read in no common order, so no window may close before all is read. */
  private static final Duration GRACE = Duration.ofDays(1);

  private Textbook() {}

  static Topology topology(List<Rule> rules, String input, String output, Progress progress) {
    long window = rules.get(0).windowMs();
    if (rules.stream().anyMatch(rule -> rule.windowMs() != window)) {
      throw new IllegalArgumentException("all windows must be of one size");
    }
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], Event> events =
        builder.stream(input, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
            .process(() -> new Split(progress));
    events
        .flatMap((key, event) -> matches(rules, event, progress))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.Integer()))
        .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMillis(window), GRACE))
        .aggregate(
            () -> 0L,
            (key, one, count) -> {
              progress.merged.incrementAndGet();
              return count + one;
            },
            org.apache.kafka.streams.kstream.Materialized.with(Serdes.String(), Serdes.Long()))
        .toStream()
        .filter((key, count) -> count > thresholdOf(rules, key.key()))
        .map((key, count) -> alert(key.key(), key.window().start()))
        .to(output, Produced.with(Serdes.String(), Serdes.String()));
    return builder.build();
  }

  private static List<KeyValue<String, Integer>> matches(
      List<Rule> rules, Event event, Progress progress) {
    List<KeyValue<String, Integer>> found =
        rules.stream()
            .filter(rule -> rule.matches(event))
            .map(rule -> KeyValue.pair(rule.index() + "|" + rule.id() + "|" + rule.groupOf(event), 1))
            .toList();
    progress.sent.addAndGet(found.size());
    return found;
  }

  private static long thresholdOf(List<Rule> rules, String key) {
    return rules.get(Integer.parseInt(key.substring(0, key.indexOf('|')))).threshold();
  }

  private static KeyValue<String, String> alert(String key, long start) {
    String alert = key.substring(key.indexOf('|') + 1) + "|" + start;
    return KeyValue.pair(alert, alert);
  }

  /** A record of NDJSON becomes events, each at its own time. */
  private static final class Split extends ContextualProcessor<byte[], byte[], byte[], Event> {
    private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);
    private final Progress progress;

    Split(Progress progress) {
      this.progress = progress;
    }

    @Override
    public void process(Record<byte[], byte[]> batch) {
      String[] lines = new String(batch.value(), StandardCharsets.UTF_8).split("\n");
      for (String line : lines) {
        Event event = parse(line);
        context().forward(batch.withValue(event).withTimestamp(event.timestamp));
      }
      progress.events.addAndGet(lines.length);
    }

    private static Event parse(String line) {
      try {
        return READER.readValue(line);
      } catch (JsonProcessingException error) {
        throw new IllegalArgumentException(error);
      }
    }
  }
}
