-- Every construct that is offered, once: what the fuzzer mutates, and what must go on being read.
SET 'table.local-time-zone' = 'UTC';
/* a comment
   over two lines */
CREATE TABLE IF NOT EXISTS orders (
  id BIGINT NOT NULL COMMENT 'the order',
  customer STRING,
  price DECIMAL(10, 2),
  quantity INT,
  placed STRING,
  `at` AS TO_TIMESTAMP(placed),
  written TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  `partition` INT METADATA VIRTUAL,
  total AS price * quantity,
  CONSTRAINT nothing PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'orders' WITH ('connector' = 'upsert-kafka', 'topic' = 'orders', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE clicks (
  person STRING, page STRING, cost DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'properties.bootstrap.servers' = 'broker:9092');
CREATE TABLE made (a INT, b DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '10', 'fields.a.min' = '1');
CREATE TABLE per_page (page STRING, n BIGINT, PRIMARY KEY (page) NOT ENFORCED)
  WITH ('connector' = 'upsert-kafka', 'topic' = 'per_page', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE shown (a STRING, b DOUBLE, c BIGINT, d TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE gone (a STRING) WITH ('connector' = 'blackhole');

CREATE TEMPORARY VIEW dear (who, what, price) AS
SELECT person, UPPER(page), cost * 1.1 FROM clicks AS c WHERE c.cost BETWEEN 1 AND 100 AND page LIKE '/shop/%';
CREATE VIEW paced AS
SELECT person, cost - AVG(cost) OVER w AS over_mean, COUNT(*) OVER w AS n, LAG(page, 2, '/') OVER w AS was FROM clicks WHERE cost > 0
WINDOW w AS (v ORDER BY ts), v AS (PARTITION BY person);

EXECUTE STATEMENT SET
BEGIN
INSERT INTO per_page SELECT page, COUNT(*) AS n FROM clicks GROUP BY page HAVING COUNT(*) > 1;
INSERT INTO shown (a, b, d)
WITH windows AS (
  SELECT page, window_start, window_end, SUM(cost) / COUNT(*) AS mean, COUNT(DISTINCT person) FILTER (WHERE cost > 1) AS people
  FROM TABLE(HOP(DATA => TABLE clicks, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '1' MINUTE, SIZE => INTERVAL '1' HOUR))
  WHERE person IS NOT NULL
  GROUP BY page, window_start, window_end
)
SELECT page, CASE WHEN people > 10 THEN mean ELSE CAST(people AS DOUBLE) END, window_end FROM windows;
INSERT INTO shown (a, c) SELECT page, GROUPING_ID(page, person) FROM clicks GROUP BY GROUPING SETS ((page), CUBE (person, page));
INSERT INTO gone VALUES ('one'), (UPPER('two'));
INSERT INTO gone SELECT t.s FROM made JOIN (VALUES (1, 'one'), (2, 'two')) AS t (n, s) ON a = n UNION ALL SELECT 'three';
INSERT INTO gone SELECT who FROM dear UNION ALL SELECT DISTINCT customer FROM orders WHERE id IN (1, 2, 3);
INSERT INTO shown
SELECT LOWER(page), AVG(cost), COUNT(*), TUMBLE_END(ts, INTERVAL '10' SECOND)
FROM (SELECT * FROM clicks) GROUP BY LOWER(page), TUMBLE(ts, INTERVAL '10' SECOND);
END;
