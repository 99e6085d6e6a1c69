-- Highest bid of each ten seconds: the aggregate joined back to the bids.
CREATE TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra STRING${key}
) WITH (${sink});

INSERT INTO answer
SELECT b.auction, b.bidder, b.price, b.`dateTime`, b.extra
FROM bid AS b
JOIN (
  SELECT MAX(price) AS price, window_end AS until
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end
) AS best
ON b.price = best.price
WHERE b.`dateTime` BETWEEN best.until - INTERVAL '10' SECOND AND best.until;
