-- Processing-time windows: how many bids of each bidder arrive within ten seconds of the wall's clock.
CREATE TABLE answer (bidder BIGINT, bid_count BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3)${key}) WITH (${sink});

CREATE VIEW arriving AS SELECT *, PROCTIME() AS p_time FROM bid;

INSERT INTO answer
SELECT bidder, COUNT(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE(TABLE arriving, DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
