package tocsin.peer;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Aho-Corasick over ASCII: which of many texts does a message contain, in one pass. */
final class Texts {
  private static final int ALPHABET = 128;
  private final int[] next;
  private final int[][] found;
  private final int[] seen;
  private int round;

  Texts(List<String> patterns) {
    List<int[]> nodes = new ArrayList<>(List.of(node()));
    List<List<Integer>> ends = new ArrayList<>(List.of(new ArrayList<>()));
    for (int number = 0; number < patterns.size(); number++) {
      int at = 0;
      for (char letter : patterns.get(number).toCharArray()) {
        if (nodes.get(at)[letter] < 0) {
          nodes.get(at)[letter] = nodes.size();
          nodes.add(node());
          ends.add(new ArrayList<>());
        }
        at = nodes.get(at)[letter];
      }
      ends.get(at).add(number);
    }
    link(nodes, ends);
    next = new int[nodes.size() * ALPHABET];
    for (int number = 0; number < nodes.size(); number++) {
      System.arraycopy(nodes.get(number), 0, next, number * ALPHABET, ALPHABET);
    }
    found = new int[nodes.size()][];
    for (int number = 0; number < found.length; number++) {
      List<Integer> here = ends.get(number);
      found[number] = here.isEmpty() ? null : here.stream().mapToInt(Integer::intValue).toArray();
    }
    seen = new int[patterns.size()];
  }

  private static int[] node() {
    int[] node = new int[ALPHABET];
    Arrays.fill(node, -1);
    return node;
  }

  private static void link(List<int[]> nodes, List<List<Integer>> ends) {
    int[] fallback = new int[nodes.size()];
    ArrayDeque<Integer> queue = new ArrayDeque<>(List.of(0));
    while (!queue.isEmpty()) {
      int at = queue.remove();
      for (int letter = 0; letter < ALPHABET; letter++) {
        int child = nodes.get(at)[letter];
        int other = at == 0 ? 0 : nodes.get(fallback[at])[letter];
        if (child < 0) {
          nodes.get(at)[letter] = other;
        } else {
          fallback[child] = other;
          ends.get(child).addAll(ends.get(other));
          queue.add(child);
        }
      }
    }
  }

  /** Looks through a message; afterwards {@link #contained} answers for it. */
  void scan(char[] from, int offset, int length) {
    round++;
    int node = 0;
    for (int at = offset; at < offset + length; at++) {
      char letter = from[at];
      node = letter < ALPHABET ? next[node * ALPHABET + letter] : 0;
      int[] here = found[node];
      if (here != null) {
        for (int pattern : here) {
          seen[pattern] = round;
        }
      }
    }
  }

  boolean contained(int pattern) {
    return seen[pattern] == round;
  }
}
