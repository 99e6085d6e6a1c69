import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.LookupFunction;

/**
 * 'connector' = 'file-lookup', 'path' = …: a table (BIGINT, STRING) of "key,value" lines, looked up in memory by its key.
 *
 * <p>Flink comes without a connector that can be looked up in; this is what its old CSV tables did, for Nexmark's q13.
 */
public class FileLookup implements DynamicTableSourceFactory {
  private static final ConfigOption<String> PATH = ConfigOptions.key("path").stringType().noDefaultValue();

  @Override
  public String factoryIdentifier() {
    return "file-lookup";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(PATH);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    var helper = FactoryUtil.createTableFactoryHelper(this, context);
    helper.validate();
    return new Source(helper.getOptions().get(PATH));
  }

  private record Source(String path) implements LookupTableSource {
    @Override
    public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
      return LookupFunctionProvider.of(new Lines(path));
    }

    @Override
    public DynamicTableSource copy() {
      return this;
    }

    @Override
    public String asSummaryString() {
      return "lines of " + path;
    }
  }

  /** The lines of the file by key. */
  public static class Lines extends LookupFunction {
    private final String path;
    private transient Map<Long, Collection<RowData>> rows;

    public Lines(String path) {
      this.path = path;
    }

    @Override
    public void open(FunctionContext context) {
      rows = new HashMap<>();
      try {
        for (String line : Files.readAllLines(Path.of(path))) {
          String[] parts = line.split(",", 2);
          long key = Long.parseLong(parts[0]);
          rows.put(key, List.of(GenericRowData.of(key, StringData.fromString(parts[1]))));
        }
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    @Override
    public Collection<RowData> lookup(RowData key) {
      return key.isNullAt(0) ? List.of() : rows.getOrDefault(key.getLong(0), List.of());
    }
  }
}
