package tocsin.peer;

import java.util.concurrent.atomic.AtomicLong;

/** Counts what went in and came out, and prints it whenever it has changed. */
final class Progress extends Thread {
  private static final long EVERY_MS = 50;
  final AtomicLong events = new AtomicLong();
  final AtomicLong sent = new AtomicLong();
  final AtomicLong merged = new AtomicLong();

  Progress() {
    super("progress");
    setDaemon(true);
  }

  @Override
  public void run() {
    String before = "";
    while (true) {
      String now = "progress " + events.get() + " " + sent.get() + " " + merged.get();
      if (!now.equals(before)) {
        System.out.println(now);
        before = now;
      }
      try {
        Thread.sleep(EVERY_MS);
      } catch (InterruptedException stopped) {
        return;
      }
    }
  }
}
