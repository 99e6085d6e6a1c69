-- The inner half of q7: the highest price of each ten seconds. What engines without q7's join run.
CREATE TABLE answer (price BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3)${key}) WITH (${sink});

INSERT INTO answer
SELECT MAX(price) AS price, window_start, window_end
FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
