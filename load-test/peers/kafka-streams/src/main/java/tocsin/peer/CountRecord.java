package tocsin.peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/** A record of events becomes one record of counts for each partition of the second stage. */
final class CountRecord extends ContextualProcessor<byte[], byte[], Integer, byte[]> {
  private static final JsonFactory JSON = new JsonFactory();
  private static final int GROUP_BITS = 23;
  private static final int WINDOW_BITS = 27;

  private final List<Rule> rules;
  private final RuleIndex index;
  private final Progress progress;
  private final int targets;
  private final Names levels = new Names();
  private final Names names = new Names();
  private final Counts counts = new Counts();

  CountRecord(List<Rule> rules, int targets, Progress progress) {
    this.rules = rules;
    this.index = new RuleIndex(rules);
    this.targets = targets;
    this.progress = progress;
  }

  @Override
  public void process(Record<byte[], byte[]> batch) {
    try (JsonParser parser = JSON.createParser(batch.value())) {
      int events = 0;
      while (parser.nextToken() == JsonToken.START_OBJECT) {
        event(parser);
        events++;
      }
      send(batch);
      progress.events.addAndGet(events);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private void event(JsonParser parser) throws IOException {
    long timestamp = 0;
    int service = -1;
    int level = -1;
    int host = -1;
    int status = Rule.NO_STATUS;
    for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
      JsonToken value = parser.nextToken();
      switch (field) {
        case "timestamp" -> timestamp = parser.getLongValue();
        case "service" -> service = number(names, parser);
        case "level" -> level = number(levels, parser);
        case "host" -> host = number(names, parser);
        case "statusCode" -> status = parser.getIntValue();
        case "message" -> {
          if (index.readsTexts) {
            index.texts.scan(
                parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
          }
        }
        default -> {
          if (value.isStructStart()) {
            parser.skipChildren();
          }
        }
      }
    }
    count(timestamp, level, service, host, status);
  }

  private static int number(Names names, JsonParser parser) throws IOException {
    return names.number(
        parser.getTextCharacters(), parser.getTextOffset(), parser.getTextLength());
  }

  private void count(long timestamp, int level, int service, int host, int status) {
    RuleIndex.Candidates candidates =
        index.candidates(level, levels.text(level), service, names.text(service));
    for (int rule : candidates.sure()) {
      add(rule, timestamp, service, host);
    }
    for (int rule : candidates.unsure()) {
      if (index.holds(rule, status)) {
        add(rule, timestamp, service, host);
      }
    }
  }

  private void add(int number, long timestamp, int service, int host) {
    Rule rule = rules.get(number);
    long group = rule.groupBy() == Rule.GroupField.SERVICE ? service : host;
    long window = timestamp / rule.windowMs();
    counts.add((long) number << (GROUP_BITS + WINDOW_BITS) | group << WINDOW_BITS | window);
  }

  private void send(Record<byte[], byte[]> batch) throws IOException {
    ByteArrayOutputStream[] values = new ByteArrayOutputStream[targets];
    DataOutputStream[] rows = new DataOutputStream[targets];
    int counted = 0;
    for (int entry = 0; entry < counts.size(); entry++) {
      long key = counts.key(entry);
      int rule = (int) (key >>> (GROUP_BITS + WINDOW_BITS));
      int group = (int) (key >>> WINDOW_BITS) & ((1 << GROUP_BITS) - 1);
      int target = Math.floorMod(names.hash(group) + 31 * rule, targets);
      if (rows[target] == null) {
        values[target] = new ByteArrayOutputStream(4096);
        rows[target] = new DataOutputStream(values[target]);
      }
      DataOutputStream row = rows[target];
      byte[] name = names.bytes(group);
      row.writeInt(counts.count(entry));
      row.writeShort(Short.BYTES + Integer.BYTES + name.length);
      row.writeShort(rule);
      row.writeInt((int) (key & ((1 << WINDOW_BITS) - 1)));
      row.write(name);
      counted += counts.count(entry);
    }
    counts.clear();
    progress.sent.addAndGet(counted);
    for (int target = 0; target < targets; target++) {
      if (values[target] != null) {
        context().forward(batch.withKey(target).withValue(values[target].toByteArray()));
      }
    }
  }
}
