-- Average selling price of each seller's last ten closed auctions.
-- Flink refuses it: its bounded OVER aggregate wants the order of a time attribute and rows that never change, and behind
-- the join and the ranking there are neither ("Non-time attribute sort is not supported for bounded OVER window").
CREATE TABLE answer (seller BIGINT, avg_price BIGINT${key}) WITH (${sink});

INSERT INTO answer
SELECT seller, AVG(price) OVER (PARTITION BY seller ORDER BY `dateTime` ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)
FROM (
  SELECT id, seller, price, `dateTime`
  FROM (
    SELECT a.id, a.seller, b.price, b.`dateTime`,
           ROW_NUMBER() OVER (PARTITION BY a.id, a.seller ORDER BY b.price DESC) AS place
    FROM auction AS a, bid AS b
    WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
  ) AS ranked
  WHERE place <= 1
) AS won;
