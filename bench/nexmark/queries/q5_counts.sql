-- The inner half of q5: every two seconds, how many bids each auction had in the last ten. What engines without q5's join run.
CREATE TABLE answer (
  auction BIGINT, num BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3)${key}
) WITH (${sink});

INSERT INTO answer
SELECT auction, COUNT(*) AS num, window_start, window_end
FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end;
