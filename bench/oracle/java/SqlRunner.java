import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.type.TypeReference;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;

/**
 * Flink SQL for one who asks over standard input: a JSON object a line, and a line with the answer for each.
 *
 * <p>{"settings": {…}, "statements": […], "rows": PATH or null}: the statements run one after the other in an environment
 * of their own. Each INSERT is waited for. With `rows`, what the last statement gives is written there, a JSON array a
 * row, its kind (+I, -U, +U, -D) first. The answer has the wall's milliseconds and the whole process's CPU milliseconds
 * over the last statement, the count of rows, the columns' names and types; or the error.
 */
public class SqlRunner {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DateTimeFormatter MOMENT = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSS");
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSS");
  private static final OperatingSystemMXBean MACHINE =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  public static void main(String[] words) throws Exception {
    var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    var asked = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = asked.readLine(); line != null; line = asked.readLine()) {
      Map<String, Object> answer = new TreeMap<>();
      try {
        run(JSON.readValue(line, new TypeReference<Map<String, Object>>() {}), answer);
      } catch (Throwable error) {
        var trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace));
        answer.put("error", reasons(error));
        answer.put("trace", trace.toString());
      }
      answers.println(JSON.writeValueAsString(answer));
    }
    System.exit(0);
  }

  @SuppressWarnings("unchecked")
  private static void run(Map<String, Object> asked, Map<String, Object> answer) throws Exception {
    var settings = Configuration.fromMap((Map<String, String>) asked.getOrDefault("settings", Map.of()));
    boolean batch = "batch".equalsIgnoreCase(settings.toMap().getOrDefault("execution.runtime-mode", ""));
    var builder = EnvironmentSettings.newInstance().withConfiguration(settings);
    var tables = TableEnvironment.create((batch ? builder.inBatchMode() : builder.inStreamingMode()).build());
    var statements = (List<String>) asked.get("statements");
    for (String statement : statements.subList(0, statements.size() - 1)) {
      TableResult result = tables.executeSql(statement);
      if (result.getJobClient().isPresent()) result.await();
    }
    long cpu = MACHINE.getProcessCpuTime(), wall = System.nanoTime();
    TableResult result = tables.executeSql(statements.get(statements.size() - 1));
    if (asked.get("rows") != null) answer.put("rows", write(result, Path.of((String) asked.get("rows"))));
    else result.await();
    answer.put("wall_ms", (System.nanoTime() - wall) / 1e6);
    answer.put("cpu_ms", (MACHINE.getProcessCpuTime() - cpu) / 1e6);
    answer.put("names", result.getResolvedSchema().getColumnNames());
    answer.put("kinds", result.getResolvedSchema().getColumnDataTypes().stream().map(Object::toString).toList());
  }

  private static long write(TableResult result, Path target) throws Exception {
    long count = 0;
    try (var out = Files.newBufferedWriter(target); var rows = result.collect()) {
      while (rows.hasNext()) {
        Row row = rows.next();
        List<Object> values = new ArrayList<>(List.of(row.getKind().shortString()));
        for (int i = 0; i < row.getArity(); i++) values.add(plain(row.getField(i)));
        out.write(JSON.writeValueAsString(values));
        out.write('\n');
        count++;
      }
    }
    return count;
  }

  /** A value as JSON has it: whole numbers, truth and null as they are, moments to the microsecond, all else as texts. */
  private static Object plain(Object value) {
    if (value == null || value instanceof Boolean) return value;
    if (value instanceof Byte || value instanceof Short || value instanceof Integer || value instanceof Long) return value;
    if (value instanceof BigDecimal number) return number.toPlainString();
    if (value instanceof LocalDateTime moment) return MOMENT.format(moment);
    if (value instanceof Instant moment) return MOMENT.format(moment.atOffset(ZoneOffset.UTC));
    if (value instanceof LocalTime time) return TIME.format(time);
    if (value instanceof byte[] bytes) return HexFormat.of().formatHex(bytes);
    if (value instanceof Object[] items) {
      List<Object> made = new ArrayList<>();
      for (Object item : items) made.add(plain(item));
      return made;
    }
    if (value instanceof Map<?, ?> pairs) {
      Map<String, Object> made = new TreeMap<>();
      pairs.forEach((key, item) -> made.put(String.valueOf(plain(key)), plain(item)));
      return made;
    }
    if (value instanceof Row row) {
      List<Object> made = new ArrayList<>();
      for (int i = 0; i < row.getArity(); i++) made.add(plain(row.getField(i)));
      return made;
    }
    return value.toString();
  }

  private static String reasons(Throwable error) {
    var said = new StringBuilder();
    for (Throwable one = error; one != null && said.length() < 2000; one = one.getCause())
      said.append(said.length() == 0 ? "" : " <- ").append(one.getClass().getSimpleName()).append(": ").append(one.getMessage());
    return said.toString();
  }
}
