package tocsin.peer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds the rules that an event of some level and service may match. */
final class RuleIndex {
  /** The rules of one (level, service): those that match as it is, and those to look at further. */
  record Candidates(int[] sure, int[] unsure) {}

  final Texts texts;
  final boolean readsTexts;
  private final List<Rule> rules;
  private final int[] patterns;
  private final Map<Long, Candidates> known = new HashMap<>();

  RuleIndex(List<Rule> rules) {
    this.rules = rules;
    List<String> distinct = new ArrayList<>();
    patterns = new int[rules.size()];
    for (Rule rule : rules) {
      if (rule.text() != null) {
        if (!distinct.contains(rule.text())) {
          distinct.add(rule.text());
        }
        patterns[rule.index()] = distinct.indexOf(rule.text());
      }
    }
    readsTexts = !distinct.isEmpty();
    texts = new Texts(distinct);
  }

  Candidates candidates(int levelNumber, String level, int serviceNumber, String service) {
    long key = (long) levelNumber << 32 | serviceNumber;
    Candidates found = known.get(key);
    if (found == null) {
      found = find(level, service);
      known.put(key, found);
    }
    return found;
  }

  private Candidates find(String level, String service) {
    List<Integer> sure = new ArrayList<>();
    List<Integer> unsure = new ArrayList<>();
    for (Rule rule : rules) {
      Set<String> levels = rule.levels();
      if ((levels == null || levels.contains(level))
          && (rule.service() == null || rule.service().equals(service))) {
        boolean more = rule.text() != null || rule.minStatus() != Rule.NO_STATUS;
        (more ? unsure : sure).add(rule.index());
      }
    }
    return new Candidates(array(sure), array(unsure));
  }

  private static int[] array(List<Integer> numbers) {
    return numbers.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Tells whether a candidate matches, once the message was scanned. */
  boolean holds(int rule, int status) {
    Rule candidate = rules.get(rule);
    return status >= candidate.minStatus()
        && (candidate.text() == null || texts.contained(patterns[rule]));
  }
}
