package tocsin.peer;

import java.util.Arrays;

/** Counts by a long key that is never 0; emptied after each record, so nothing is allocated. */
final class Counts {
  private long[] keys = new long[4096];
  private int[] counts = new int[4096];
  private int[] used = new int[2048];
  private int size;

  void add(long key) {
    int mask = keys.length - 1;
    int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> 40) & mask;
    while (keys[slot] != key) {
      if (keys[slot] == 0) {
        keys[slot] = key;
        used[size++] = slot;
        if (size == used.length) {
          counts[slot]++;
          grow();
          return;
        }
        break;
      }
      slot = (slot + 1) & mask;
    }
    counts[slot]++;
  }

  int size() {
    return size;
  }

  long key(int entry) {
    return keys[used[entry]];
  }

  int count(int entry) {
    return counts[used[entry]];
  }

  void clear() {
    for (int entry = 0; entry < size; entry++) {
      keys[used[entry]] = 0;
      counts[used[entry]] = 0;
    }
    size = 0;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldCounts = counts;
    int[] oldUsed = Arrays.copyOf(used, size);
    keys = new long[2 * oldKeys.length];
    counts = new int[keys.length];
    used = new int[keys.length / 2];
    size = 0;
    for (int slot : oldUsed) {
      add(oldKeys[slot]);
      int now = used[size - 1];
      counts[now] = oldCounts[slot];
    }
  }
}
