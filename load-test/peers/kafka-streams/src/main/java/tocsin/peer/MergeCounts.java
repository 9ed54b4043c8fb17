package tocsin.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Adds what the records counted, and speaks when a sum passes its rule's threshold. */
final class MergeCounts extends ContextualProcessor<Integer, byte[], String, String> {
  static final String STORE = "counts";
  private final List<Rule> rules;
  private final Progress progress;
  private KeyValueStore<Bytes, Long> store;

  MergeCounts(List<Rule> rules, Progress progress) {
    this.rules = rules;
    this.progress = progress;
  }

  @Override
  public void init(ProcessorContext<String, String> context) {
    super.init(context);
    store = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<Integer, byte[]> batch) {
    ByteBuffer rows = ByteBuffer.wrap(batch.value());
    long merged = 0;
    while (rows.hasRemaining()) {
      int more = rows.getInt();
      byte[] key = new byte[rows.getShort()];
      rows.get(key);
      Bytes wrapped = Bytes.wrap(key);
      Long before = store.get(wrapped);
      long count = before == null ? 0 : before;
      store.put(wrapped, count + more);
      merged += more;
      Rule rule = rules.get(ByteBuffer.wrap(key).getShort());
      if (count <= rule.threshold() && count + more > rule.threshold()) {
        alert(batch, rule, key);
      }
    }
    progress.merged.addAndGet(merged);
  }

  private void alert(Record<Integer, byte[]> batch, Rule rule, byte[] key) {
    ByteBuffer parts = ByteBuffer.wrap(key);
    parts.getShort();
    long start = parts.getInt() * rule.windowMs();
    String group = new String(key, parts.position(), parts.remaining(), StandardCharsets.UTF_8);
    String alert = rule.id() + "|" + group + "|" + start;
    context().forward(batch.withKey(alert).withValue(alert));
  }
}
