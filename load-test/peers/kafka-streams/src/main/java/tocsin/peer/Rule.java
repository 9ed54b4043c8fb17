package tocsin.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A rule document, as far as both sides of the comparison implement it: a conjunction of
 * comparisons of level, service, status and message, one group field, {@code count > threshold}.
 * A field that is null asks nothing.
 */
record Rule(
    int index,
    String id,
    String service,
    Set<String> levels,
    int minStatus,
    String text,
    GroupField groupBy,
    long windowMs,
    long threshold) {

  enum GroupField {
    SERVICE,
    HOST
  }

  static final int NO_STATUS = -1;
  private static final Pattern EQUALS = Pattern.compile("(level|service) == \"([^\"]*)\"");
  private static final Pattern IN = Pattern.compile("level in \\[([^\\]]*)\\]");
  private static final Pattern STATUS = Pattern.compile("statusCode >= (\\d+)");
  private static final Pattern CONTAINS = Pattern.compile("message\\.contains\\(\"([^\"]*)\"\\)");

  /** Tells whether an event counts; the slow way, one rule at a time. */
  boolean matches(Event event) {
    return (service == null || service.equals(event.service))
        && (levels == null || levels.contains(event.level))
        && (minStatus == NO_STATUS || event.statusCode >= minStatus)
        && (text == null || event.message.contains(text));
  }

  String groupOf(Event event) {
    return groupBy == GroupField.SERVICE ? event.service : event.host;
  }

  /** Reads the rules of a file with one document a line. */
  static List<Rule> read(Path file) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    List<Rule> rules = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      rules.add(of(rules.size(), mapper.readTree(line)));
    }
    return rules;
  }

  private static Rule of(int index, JsonNode document) {
    String service = null;
    Set<String> levels = null;
    int minStatus = NO_STATUS;
    String text = null;
    for (String term : document.get("match").asText().split(" && ")) {
      Matcher equals = EQUALS.matcher(term);
      Matcher in = IN.matcher(term);
      Matcher status = STATUS.matcher(term);
      Matcher contains = CONTAINS.matcher(term);
      if (equals.matches()) {
        if (equals.group(1).equals("service")) {
          service = equals.group(2);
        } else {
          levels = Set.of(equals.group(2));
        }
      } else if (in.matches()) {
        levels = Set.of(in.group(1).replace("\"", "").split(", "));
      } else if (status.matches()) {
        minStatus = Integer.parseInt(status.group(1));
      } else if (contains.matches()) {
        text = contains.group(1);
      } else {
        throw new IllegalArgumentException("not of the subset: " + term);
      }
    }
    if (!document.get("condition").asText().equals("count > threshold")) {
      throw new IllegalArgumentException("not of the subset: " + document.get("condition"));
    }
    return new Rule(
        index,
        document.get("id").asText(),
        service,
        levels,
        minStatus,
        text,
        GroupField.valueOf(document.get("groupBy").get(0).asText().toUpperCase()),
        document.get("window").get("size").asLong(),
        document.get("threshold").asLong());
  }
}
