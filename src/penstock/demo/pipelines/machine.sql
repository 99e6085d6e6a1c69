-- Your computer is the machine: what its sensors say now, what is normal for them, and what is not.
-- This is Flink SQL. Save the file and the pipeline restarts with what you wrote.

-- Ten readings a second from each sensor: cpu.0, cpu.1, …, cpu, memory, load, disk.read, disk.write, net.in, net.out.
CREATE TABLE readings (
  machine STRING,
  sensor STRING,
  unit STRING,
  reading DOUBLE,
  `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '0.2' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'readings',
  'format' = 'json',
  'scan.startup.mode' = 'earliest-offset'
);

-- 1. What each sensor says now: one row a sensor, renewed every second.
CREATE TABLE machine_now (
  sensor STRING,
  unit STRING,
  mean DOUBLE,
  low DOUBLE,
  high DOUBLE,
  n BIGINT,
  window_end TIMESTAMP(3),
  PRIMARY KEY (sensor) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'machine_now',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO machine_now
SELECT sensor, MAX(unit), AVG(reading), MIN(reading), MAX(reading), COUNT(*), window_end
FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(`at`), INTERVAL '1' SECOND))
GROUP BY sensor, window_start, window_end;

-- 2. What is normal: the newest second beside the 29 before it, looked at again every second.
CREATE VIEW recent AS
SELECT
  sensor,
  MAX(unit) AS unit,
  window_end,
  AVG(reading) FILTER (WHERE `at` >= window_end - INTERVAL '1' SECOND) AS newest,
  AVG(reading) FILTER (WHERE `at` < window_end - INTERVAL '1' SECOND) AS mean,
  STDDEV_POP(reading) FILTER (WHERE `at` < window_end - INTERVAL '1' SECOND) AS spread
FROM TABLE(HOP(TABLE readings, DESCRIPTOR(`at`), INTERVAL '1' SECOND, INTERVAL '30' SECOND))
GROUP BY sensor, window_start, window_end;

-- The band is three standard deviations to both sides; a percentage stays between 0 and 100.
CREATE VIEW normal AS
SELECT sensor, unit, window_end, newest, mean,
  GREATEST(mean - 3 * spread, 0) AS low,
  CASE WHEN unit = '%' THEN LEAST(mean + 3 * spread, 100) ELSE mean + 3 * spread END AS high
FROM recent
WHERE newest IS NOT NULL AND mean IS NOT NULL;

CREATE TABLE machine_band (
  sensor STRING,
  mean DOUBLE,
  low DOUBLE,
  high DOUBLE,
  window_end TIMESTAMP(3),
  PRIMARY KEY (sensor) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'machine_band',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO machine_band
SELECT sensor, mean, low, high, window_end
FROM normal;

-- 3. What is not normal: one row for each second in which a sensor is far above its recent mean.
CREATE TABLE alerts (
  sensor STRING,
  window_end TIMESTAMP(3),
  reading DOUBLE,
  low DOUBLE,
  high DOUBLE,
  PRIMARY KEY (sensor, window_end) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'alerts',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO alerts
SELECT sensor, window_end, newest, low, high
FROM normal
-- Change 40 to 15 and save: smaller jumps raise an alert too.
WHERE unit = '%' AND newest > mean + 40;
