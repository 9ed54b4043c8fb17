package tocsin.peer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Numbers the distinct texts of a field without making a String of each occurrence. */
final class Names {
  private final List<String> texts = new ArrayList<>();
  private final List<byte[]> encoded = new ArrayList<>();
  private int[] slots = new int[1024];
  private int[] hashes = new int[512];
  private char[][] chars = new char[512][];

  /** Returns the number of a text, from 0 on in the order of first sight. */
  int number(char[] from, int offset, int length) {
    int hash = length;
    for (int at = offset; at < offset + length; at++) {
      hash = 31 * hash + from[at];
    }
    hash ^= hash >>> 15;
    int mask = slots.length - 1;
    for (int slot = hash & mask; ; slot = (slot + 1) & mask) {
      int number = slots[slot] - 1;
      if (number < 0) {
        return add(new String(from, offset, length), hash, slot);
      }
      char[] known = chars[number];
      if (hashes[number] == hash
          && Arrays.equals(known, 0, known.length, from, offset, offset + length)) {
        return number;
      }
    }
  }

  int number(String text) {
    return number(text.toCharArray(), 0, text.length());
  }

  String text(int number) {
    return texts.get(number);
  }

  byte[] bytes(int number) {
    return encoded.get(number);
  }

  /** Returns a hash that is the same in every process. */
  int hash(int number) {
    return hashes[number];
  }

  private int add(String text, int hash, int slot) {
    int number = texts.size();
    texts.add(text);
    encoded.add(text.getBytes(StandardCharsets.UTF_8));
    if (number == hashes.length) {
      hashes = Arrays.copyOf(hashes, 2 * number);
      chars = Arrays.copyOf(chars, 2 * number);
    }
    hashes[number] = hash;
    chars[number] = text.toCharArray();
    slots[slot] = number + 1;
    if (2 * (number + 1) > slots.length) {
      grow();
    }
    return number;
  }

  private void grow() {
    int[] larger = new int[2 * slots.length];
    int mask = larger.length - 1;
    for (int number = 0; number < texts.size(); number++) {
      int slot = hashes[number] & mask;
      while (larger[slot] != 0) {
        slot = (slot + 1) & mask;
      }
      larger[slot] = number + 1;
    }
    slots = larger;
  }
}
