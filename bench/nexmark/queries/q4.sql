-- Average closing price by category: the best bid of each auction while it was open, then the mean over auctions.
CREATE TABLE answer (id BIGINT, final BIGINT${key}) WITH (${sink});

INSERT INTO answer
SELECT category, AVG(final)
FROM (
  SELECT a.category, MAX(b.price) AS final
  FROM auction AS a, bid AS b
  WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
  GROUP BY a.id, a.category
) AS closed
GROUP BY category;
