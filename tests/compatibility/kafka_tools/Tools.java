import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.common.utils.Exit;

/**
 * Several of Kafka's tools in one JVM. Standard input has a block a tool: a line with its class and its words, parted by
 * tabs, lines that it is to read, and a line with only a dot. Each is answered by its output and a line `== code`.
 */
class Tools {
  static volatile CompletableFuture<Integer> ended;
  static final List<Runnable> hooks = new CopyOnWriteArrayList<>();

  public static void main(String[] none) throws Exception {
    Exit.setExitProcedure((code, message) -> leave(code));
    Exit.setHaltProcedure((code, message) -> leave(code));
    Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = System.out;
    for (String line; (line = lines.readLine()) != null; ) {
      var words = line.split("\t");
      var given = new StringBuilder();
      for (String more; !(more = lines.readLine()).equals("."); ) given.append(more).append('\n');
      System.setIn(new ByteArrayInputStream(given.toString().getBytes(StandardCharsets.UTF_8)));
      var heard = new ByteArrayOutputStream();
      var to = new PrintStream(heard, true, StandardCharsets.UTF_8);
      System.setOut(to);
      System.setErr(to);
      int code = run(words[0], Arrays.copyOfRange(words, 1, words.length), to);
      out.print(heard.toString(StandardCharsets.UTF_8));
      out.println("\n== " + code);
      out.flush();
    }
    Runtime.getRuntime().halt(0);
  }

  /** A tool that exits stays where it is, on its daemon thread: an exception would be caught and printed by some. */
  static void leave(int code) {
    ended.complete(code);
    while (true) java.util.concurrent.locks.LockSupport.park();
  }

  /** Scala's console keeps the stream it found first, so a Scala tool is given ours. */
  static int run(String name, String[] words, PrintStream to) throws Exception {
    ended = new CompletableFuture<>();
    hooks.clear();
    var mine = ended;
    var tool = new Thread(() -> {
      try {
        var main = Class.forName(name).getMethod("main", String[].class);
        if (name.startsWith("kafka.")) scala.Console.withOut(to, () -> { invoke(main, words); return null; });
        else invoke(main, words);
        mine.complete(0);
      } catch (Throwable failed) {
        failed.printStackTrace(to);
        mine.complete(99);
      }
    });
    tool.setDaemon(true);
    tool.start();
    try {
      int code = mine.get(60, TimeUnit.SECONDS);
      var last = CompletableFuture.runAsync(() -> hooks.forEach(Runnable::run)); // as a JVM that ends does
      last.get(10, TimeUnit.SECONDS);
      return code;
    } catch (TimeoutException late) {
      to.println("the tool did not end in 60 s");
      return 98;
    }
  }

  static void invoke(java.lang.reflect.Method main, String[] words) {
    try {
      main.invoke(null, (Object) words);
    } catch (java.lang.reflect.InvocationTargetException failed) {
      if (failed.getCause() instanceof RuntimeException cause) throw cause;
      throw new RuntimeException(failed.getCause());
    } catch (IllegalAccessException hidden) {
      throw new RuntimeException(hidden);
    }
  }
}
